"""Maps that other programs have quantified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.composition.elements import check_elements
from hyperspy_twin.composition.quantification import check_given
from hyperspy_twin.composition.scanned_grid import grid_of_scan
from hyperspy_twin.core import content_hash, counted
from hyperspy_twin.signals._values import CompositionReport
from hyperspy_twin.signals.composition_map import VARIANCE, CompositionMap

if TYPE_CHECKING:
    from typing import TypeAlias

    from hyperspy.signal import BaseSignal

    Maps: TypeAlias = BaseSignal | Sequence[BaseSignal] | Mapping[str, BaseSignal | np.ndarray]

# As exspy and vendors title what is not atomic percent.
WEIGHT = ("weight percent", "weight fraction", "mass percent", "wt%", "wt.%", "wt %")


def from_map(
    maps: Maps, elements: Sequence[str] | None = None, *, errors: Maps | None = None
) -> CompositionMap:
    """Make a composition map of maps that are quantified already.

    Parameters
    ----------
    maps
        Atomic fractions or atomic percent: a list of signals, as exspy's ``quantification()``
        returns it; a dictionary of signals or arrays by the symbol of the element; or a stack with
        the elements along its first axis. Axes and their offsets are kept; arrays have none.
    elements
        Symbols of the elements in the order of the maps; by default those in
        ``metadata.Sample.elements``, or the keys of the dictionary.
    errors
        Standard errors in the same form and unit; by default what the maps hold in
        ``metadata.Signal.Noise_properties.variance``.

    Returns
    -------
    CompositionMap
        The fractions as they are, neither clipped nor divided by their sum; NaN where all are zero.

    Raises
    ------
    ValueError
        If the elements are not known or named twice, the maps have different sizes, weight percent
        are given, fractions are negative or above 1, or they do not add up to 1 or 100 %.

    Examples
    --------
    >>> germanium = np.array([[0.2, 0.8]])
    >>> maps = ht.composition.from_map({"Si": 1 - germanium, "Ge": germanium})
    >>> maps["Ge"].data
    array([[0.2, 0.8]], dtype=float32)
    """
    listed, names = _listed(maps, elements)
    arrays = [_array(one) for one in listed]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1:
        raise ValueError(f"the maps have different sizes: {sorted(shapes)} (rows, columns)")
    _check_atomic(listed)
    first = listed[0]
    known = _errors(listed, errors, names)
    if known is not None and known.shape != (len(arrays), *arrays[0].shape):
        raise ValueError("the errors have to have the size of the maps")
    checked, percent = check_given(np.stack(arrays), known, names)
    scanned = grid_of_scan(*_source(first, arrays[0]))
    unit = "atomic percent" if percent else "atomic fractions"
    notes = [f"the maps were taken as {unit}: so their sum is 1"]
    if known is None:
        notes.append("no standard errors were given: they are not known")
    return CompositionMap._measured(
        checked.values.astype(np.float32),
        None if known is None else checked.variance.astype(np.float32),
        scanned.grid,
        unit=scanned.unit,
        report=CompositionReport(
            names, "quantified maps as they were given", tuple(notes), checked.withheld
        ),
        step="from_map",
        parameters={"elements": list(names), "errors": known is not None},
        input_hash=content_hash(np.stack(arrays)),
        metadata=scanned.metadata,
        original_metadata=scanned.original_metadata,
    )


def _listed(maps: Any, elements: Sequence[str] | None) -> tuple[list[Any], tuple[str, ...]]:
    """List the maps of the elements, and their symbols."""
    from hyperspy.signal import BaseSignal

    if isinstance(maps, Mapping):
        names = list(maps) if elements is None else list(elements)
        missing = [name for name in names if name not in maps]
        if missing:
            raise ValueError(f"there is no map of {', '.join(missing)}: it has {', '.join(maps)}")
        return [maps[name] for name in names], check_elements(names)
    if isinstance(maps, BaseSignal):
        found = maps.metadata.get_item("Sample.elements")
        if maps.data.ndim != 3:
            raise ValueError(
                f"a stack of maps has three axes (element, y, x), and this has {maps.data.ndim}"
            )
        listed = [_image(maps, number) for number in range(len(maps.data))]
        return listed, _named(listed, elements if elements is not None else found)
    listed = list(maps)
    if not listed:
        raise ValueError("there is no map: give one for each element")
    if elements is None and all(isinstance(one, BaseSignal) for one in listed):
        own = [one.metadata.get_item("Sample.elements") for one in listed]
        if all(one is not None and len(one) == 1 for one in own):
            elements = [one[0] for one in own]
    return listed, _named(listed, elements)


def _named(listed: list[Any], names: Any) -> tuple[str, ...]:
    if names is None:
        raise ValueError(
            "the maps do not say their elements in metadata.Sample.elements: give elements=[...] "
            "in the order of the maps"
        )
    if len(names) != len(listed):
        raise ValueError(
            f"{counted(len(listed), 'map')} and {counted(len(names), 'element')} "
            f"({', '.join(map(str, names))}): give one symbol for each map"
        )
    return check_elements(names)


def _image(stack: BaseSignal, number: int) -> BaseSignal:
    """One map of a stack, as a signal with its two axes."""
    from hyperspy.signals import Signal2D

    axes = [axis.get_axis_dictionary() for axis in stack.axes_manager._axes[-2:]]
    metadata = stack.metadata.deepcopy()
    variance = metadata.get_item(VARIANCE)
    if variance is not None:
        del metadata.Signal.Noise_properties
    image = Signal2D(stack.data[number], axes=axes, metadata=metadata.as_dictionary())
    image.set_signal_type("")
    image.original_metadata.add_dictionary(stack.original_metadata.as_dictionary())
    if variance is not None and hasattr(variance, "data"):
        image.metadata.set_item(VARIANCE, Signal2D(variance.data[number]))
    return image


def _array(one: Any) -> np.ndarray:
    array = np.asarray(getattr(one, "data", one))
    array = array if array.ndim else array.reshape(1, 1)
    if array.ndim > 2:
        array = array.reshape([n for n in array.shape if n > 1] or (1, 1))
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise ValueError(
            f"a map has two axes (y, x) of real numbers, and this one has the shape {array.shape}"
        )
    return array


def _source(one: Any, array: np.ndarray) -> tuple[Any, Any]:
    """Signal of a map and its axes of position."""
    from hyperspy.signal import BaseSignal
    from hyperspy.signals import Signal2D

    signal = one if isinstance(one, BaseSignal) else Signal2D(array)
    axes = [*signal.axes_manager.navigation_axes, *signal.axes_manager.signal_axes]
    return signal, axes if len(axes) <= 2 else [axis for axis in axes if axis.size > 1]


def _check_atomic(listed: list[Any]) -> None:
    """Refuse maps that say that they are in percent of the weight."""
    from hyperspy.signal import BaseSignal

    for one in listed:
        if not isinstance(one, BaseSignal):
            continue
        items = (one.metadata.get_item(item, "") for item in ("General.title", "Signal.quantity"))
        said = " ".join(map(str, items)).lower()
        if any(words in said for words in WEIGHT):
            raise ValueError(
                "these are weight percent: convert them to atomic percent first, with "
                "exspy.material.weight_to_atomic(maps)"
            )


def _errors(listed: list[Any], errors: Any, names: Sequence[str]) -> np.ndarray | None:
    """Give the standard errors of the maps, shape (elements, rows, columns)."""
    if errors is not None:
        return np.stack([_array(one) for one in _listed(errors, names)[0]])
    found = [getattr(one, "metadata", {}) for one in listed]
    known = [one.get_item(VARIANCE) if hasattr(one, "get_item") else None for one in found]
    if any(not hasattr(one, "data") for one in known):
        return None
    return np.sqrt(np.stack([_array(one) for one in known]))
