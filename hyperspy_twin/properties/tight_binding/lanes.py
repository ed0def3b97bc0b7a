"""Short vectors of numbers for kernels, which the processor works on at once.

LLVM does not keep the sums over the hops of an atom in registers when they are written as loops
over arrays; with values of a vector type it does, eight times as fast. Each operation is a
Python function of NumPy arrays, which stands for what its compiled form does. A lane is the real or
imaginary part of one spin of one vector: four lanes in this order make a spinor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

# Lanes of one vector, real and imaginary part of spin up and of spin down.
SPINOR = 4
# Lanes of four vectors: with five orbitals at a time they fill ten of the sixteen registers that
# processors with AVX2 have, and five of those with AVX-512. Ten orbitals of two vectors were a
# fifth slower, as each number of a matrix is then read twice.
WIDE = 16
SPIN_OPERATORS = {
    # Which lane goes to each lane of a spinor, and its sign.
    "minus_i_sigma_x": ((3, 2, 1, 0), (1, -1, 1, -1)),
    "i_sigma_y": ((2, 3, 0, 1), (1, 1, -1, -1)),
    "minus_i_sigma_z": ((1, 0, 3, 2), (1, -1, -1, 1)),
}


class LanesType(types.Type):
    """Type of a vector of numbers in kernels."""

    def __init__(self, scalar: Any, count: int) -> None:
        self.scalar = scalar
        self.count = count
        super().__init__(f"Lanes({scalar}, {count})")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: LanesType) -> None:
        scalar = manager.lookup(lanes.scalar).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(scalar, lanes.count))


def zero_spinor(array: np.ndarray) -> np.ndarray:
    """Zeros of the type of an array, for one vector."""
    return np.zeros(SPINOR, array.dtype)


def zero_wide(array: np.ndarray) -> np.ndarray:
    """Zeros of the type of an array, for four vectors."""
    return np.zeros(WIDE, array.dtype)


def load(array: np.ndarray, offset: int, like: np.ndarray) -> np.ndarray:
    """Read as many numbers as another vector has, from a place in the flat array."""
    return array.reshape(-1)[offset : offset + len(like)].copy()


def store(array: np.ndarray, offset: int, lanes: np.ndarray) -> None:
    """Write a vector to a place in the flat array."""
    array.reshape(-1)[offset : offset + len(lanes)] = lanes


def add_element_times(
    array: np.ndarray, offset: int, lanes: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """Sum of a vector and another times one number of a flat array."""
    return array.reshape(-1)[offset] * lanes + total


def add_scaled(factor: np.floating, lanes: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Sum of a vector and another times a number."""
    return factor * lanes + total


def add_product(first: np.ndarray, second: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Sum of a vector and the product of two others, lane by lane."""
    return first * second + total


def spinor_sum(lanes: np.ndarray, vector: int) -> float:
    """Sum of the lanes of one vector in 64 bits."""
    first = SPINOR * vector
    return float(lanes[first : first + SPINOR].astype(np.float64).sum())


def minus_i_sigma_x(lanes: np.ndarray) -> np.ndarray:
    """Apply a Pauli matrix, times -i, to each spinor."""
    return _of_spin(lanes, "minus_i_sigma_x")


def i_sigma_y(lanes: np.ndarray) -> np.ndarray:
    """Apply a Pauli matrix, times i, to each spinor."""
    return _of_spin(lanes, "i_sigma_y")


def minus_i_sigma_z(lanes: np.ndarray) -> np.ndarray:
    """Apply a Pauli matrix, times -i, to each spinor."""
    return _of_spin(lanes, "minus_i_sigma_z")


def _of_spin(lanes: np.ndarray, name: str) -> np.ndarray:
    source, sign = SPIN_OPERATORS[name]
    spinors = lanes.reshape(-1, SPINOR)[:, source] * np.array(sign, lanes.dtype)
    return spinors.reshape(-1)


def _vector_type(context: Any, lanes: LanesType) -> Any:
    return context.get_value_type(lanes)


def _element(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """Pointer to the element of the array that is the first argument, at the second."""
    array = context.make_array(signature.args[0])(context, builder, values[0])
    offset = context.cast(builder, values[1], signature.args[1], types.intp)
    return builder.gep(array.data, [offset])


def _repeated(builder: Any, vector: Any, value: Any) -> Any:
    """Vector with one number in all lanes."""
    none, word = ir.Constant(vector, ir.Undefined), ir.IntType(32)
    first = builder.insert_element(none, value, ir.Constant(word, 0))
    same = ir.Constant(ir.VectorType(word, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, none, same)


def _multiply_add(context: Any, builder: Any, lanes: LanesType, operands: list[Any]) -> Any:
    """Multiply and add, with one rounding where the processor has that."""
    vector = _vector_type(context, lanes)
    name = f"llvm.fmuladd.v{lanes.count}f{lanes.scalar.bitwidth}"
    kind = ir.FunctionType(vector, [vector] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), operands)


def _register_zero(function: Any, count: int) -> None:
    @type_callable(function)
    def _type(context: Any) -> Any:
        return lambda array: LanesType(array.dtype, count)

    @lower_builtin(function, types.Array)
    def _lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return ir.Constant(_vector_type(context, signature.return_type), None)


def _register_spin(function: Any, source: tuple[int, ...], sign: tuple[int, ...]) -> None:
    @type_callable(function)
    def _type(context: Any) -> Any:
        return lambda lanes: lanes

    @lower_builtin(function, LanesType)
    def _lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = signature.return_type
        vector = _vector_type(context, lanes)
        place = [SPINOR * (q // SPINOR) + source[q % SPINOR] for q in range(lanes.count)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), place)
        moved = builder.shuffle_vector(values[0], ir.Constant(vector, ir.Undefined), mask)
        signs = [float(sign[q % SPINOR]) for q in range(lanes.count)]
        return builder.fmul(moved, ir.Constant(vector, signs))


_register_zero(zero_spinor, SPINOR)
_register_zero(zero_wide, WIDE)
for _function in (minus_i_sigma_x, i_sigma_y, minus_i_sigma_z):
    _register_spin(_function, *SPIN_OPERATORS[_function.__name__])


@type_callable(load)
def _type_of_load(context: Any) -> Any:
    return lambda array, offset, like: like


@lower_builtin(load, types.Array, types.Integer, LanesType)
def _lower_load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    vector = _vector_type(context, signature.return_type)
    pointer = _element(context, builder, signature, values)
    found = builder.load(builder.bitcast(pointer, vector.as_pointer()))
    found.align = signature.args[0].dtype.bitwidth // 8
    return found


@type_callable(store)
def _type_of_store(context: Any) -> Any:
    return lambda array, offset, lanes: types.none


@lower_builtin(store, types.Array, types.Integer, LanesType)
def _lower_store(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    vector = _vector_type(context, signature.args[2])
    pointer = _element(context, builder, signature, values)
    written = builder.store(values[2], builder.bitcast(pointer, vector.as_pointer()))
    written.align = signature.args[0].dtype.bitwidth // 8
    return context.get_dummy_value()


@type_callable(add_element_times)
def _type_of_element_times(context: Any) -> Any:
    return lambda array, offset, lanes, total: lanes


@lower_builtin(add_element_times, types.Array, types.Integer, LanesType, LanesType)
def _lower_element_times(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    lanes = signature.return_type
    value = builder.load(_element(context, builder, signature, values))
    factor = _repeated(builder, _vector_type(context, lanes), value)
    return _multiply_add(context, builder, lanes, [factor, *values[2:]])


@type_callable(add_scaled)
def _type_of_scaled(context: Any) -> Any:
    return lambda factor, lanes, total: lanes


@lower_builtin(add_scaled, types.Float, LanesType, LanesType)
def _lower_scaled(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    lanes = signature.return_type
    value = context.cast(builder, values[0], signature.args[0], lanes.scalar)
    factor = _repeated(builder, _vector_type(context, lanes), value)
    return _multiply_add(context, builder, lanes, [factor, *values[1:]])


@type_callable(add_product)
def _type_of_product(context: Any) -> Any:
    return lambda first, second, total: total


@lower_builtin(add_product, LanesType, LanesType, LanesType)
def _lower_product(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return _multiply_add(context, builder, signature.return_type, list(values))


@type_callable(spinor_sum)
def _type_of_spinor_sum(context: Any) -> Any:
    return lambda lanes, vector: types.float64


@lower_builtin(spinor_sum, LanesType, types.Integer)
def _lower_spinor_sum(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    lanes = signature.args[0]
    vector = context.cast(builder, values[1], signature.args[1], types.int32)
    word = ir.IntType(32)
    first = builder.mul(vector, ir.Constant(word, SPINOR))
    total = ir.Constant(ir.DoubleType(), 0.0)
    for lane in range(SPINOR):
        value = builder.extract_element(values[0], builder.add(first, ir.Constant(word, lane)))
        value = context.cast(builder, value, lanes.scalar, types.float64)
        total = builder.fadd(total, value)
    return total
