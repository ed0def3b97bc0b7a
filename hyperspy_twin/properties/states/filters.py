"""Chebyshev filters: a polynomial of an operator that keeps what lies near an energy."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.fft import dct

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.kernel_polynomials import ChebyshevOperator, EnergyWindow

# Where the series of the filter ends, in the inverse of its width on the scale of the polynomials:
# its coefficients have fallen to exp(-3.7^2 / 2) = 1e-3 there.
SERIES_END = 3.7
# Numbers that are added at once: 128 to 512 kB.
AT_ONCE = 1 << 15
# Times that a pass of the filter says how far it is.
TIMES_TOLD = 50


def filter_coefficients(
    window: EnergyWindow, near: float, width: float, *, end: float = SERIES_END
) -> np.ndarray:
    """Chebyshev coefficients of a Gaussian of an energy, 1 at its middle.

    Parameters
    ----------
    window
        Window of the spectrum.
    near
        Middle, within the window.
    width
        Standard deviation.
    end
        Where the series ends, in the inverse of the width.
    """
    x = float(window.scaled(near))
    scaled = width / window.half_width
    count = int(np.ceil(end * np.sqrt(1.0 - x * x) / scaled)) + 1
    nodes = np.cos(np.pi * (np.arange(4 * count) + 0.5) / (4 * count))
    values = np.exp(-0.5 * ((nodes - x) / scaled) ** 2)
    coefficients = dct(values, type=2)[:count] / (4 * count)
    coefficients[0] /= 2.0
    return coefficients


def filter_block(
    operator: ChebyshevOperator,
    block: Any,
    window: EnergyWindow,
    coefficients: np.ndarray,
    what: str,
) -> Any:
    """Polynomial of an operator times a block, which is overwritten; says how far ``what`` is."""
    factors = [float(one) for one in coefficients]  # those of NumPy would widen 32 bits
    current, previous = block, operator.from_array(np.zeros_like(operator.to_array(block)))
    total = factors[0] * current
    told = max(1, len(factors) // TIMES_TOLD)
    for n in range(1, len(factors)):
        if n % told == 0:
            begin_step(f"{what}, {100 * n // len(factors)} %")
        operator.step(current, previous, window, 2 if n > 1 else 1)
        current, previous = previous, current
        _add(total, factors[n], current)
    return total


def _add(total: np.ndarray, factor: float, block: np.ndarray) -> None:
    """Add a multiple of a block, in parts that stay in the cache."""
    total, block = total.reshape(-1), block.reshape(-1)
    for first in range(0, len(total), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        total[part] += factor * block[part]
