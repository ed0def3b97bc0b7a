"""The schema of ``metadata.Twin``: each key with its type, its owner and the unit of its numbers.

What a step finds out is kept here and nowhere else. A new step adds a row to :func:`rows`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

import numpy as np

from hyperspy_twin.core import Crystal, GradientNoise, PhaseInvariants, Placement
from hyperspy_twin.signals._codec import from_plain, to_plain
from hyperspy_twin.signals._values import (
    CompositionReport,
    ModelBox,
    PixelMask,
    StrainSettings,
    load_outlines,
    store_outlines,
)

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal

SCHEMA = 4  # written with every state; a state without a number is of version 1
Factors = tuple[float, float]


class Dimension(NamedTuple):
    """How numbers change with the pixel size: a power of length, along x and y or not."""

    power: int
    vector: bool

    def rescale(self, value: Any, factors: Factors) -> Any:
        """Value after the pixel sizes (x, y) were multiplied by factors."""
        if self.vector:
            changed = np.asarray(value) * np.asarray(factors) ** self.power
            return tuple(changed.tolist()) if isinstance(value, tuple) else changed
        return value * float(np.sqrt(factors[0] * factors[1])) ** self.power


POSITION = Dimension(1, True)
WAVE_VECTOR = Dimension(-1, True)
LENGTH = Dimension(1, False)
INVERSE_LENGTH = Dimension(-1, False)


@dataclass(frozen=True)
class Row:
    """One key of the state.

    Attributes
    ----------
    kind
        Type of its value.
    owner
        Step that makes it.
    dimensions
        Dimension of each field of the value that has one; fields of parts are under both names,
        as in ``"rings.radius"``.
    rescale
        Instead of dimensions, a function of an element and the factors of the pixel size.
    """

    kind: Any
    owner: str
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    rescale: Callable[[Any, Factors], Any] | None = None


@cache
def rows() -> dict[str, Row]:
    """Rows of the schema by key; a function, because the types come from rooms that are heavy."""
    from hyperspy_twin.atoms import Alloy
    from hyperspy_twin.core import Grid, Outlines, RegisteredLattice
    from hyperspy_twin.crystals import RegionPhase, rescale_record
    from hyperspy_twin.spectra import RegionSpectrum
    from hyperspy_twin.strain import Block, BulkCell, Choices, ScanTraces

    return {
        "sample": Row(str, "data"),
        "history": Row(list[str], "every step"),
        "calibration": Row(str, "calibrate"),  # as io/axes.py writes it
        "unit": Row(str, "segment"),
        "bad_pixels": Row(
            tuple[PixelMask, ...],  # of each image
            "segment",
            {"grid.scale": POSITION, "grid.offset": POSITION},
        ),
        "outlines": Row(Outlines | tuple[Outlines, ...], "segment", {"vertices": POSITION}),
        "image_grid": Row(Grid, "find_peaks", {"scale": POSITION, "offset": POSITION}),
        "spectra": Row(
            tuple[RegionSpectrum, ...],
            "find_peaks",
            {
                "peaks.position": WAVE_VECTOR,
                "peaks.error": WAVE_VECTOR,
                "peaks.width": INVERSE_LENGTH,
                "peaks.width_error": INVERSE_LENGTH,
                **{
                    f"{part}.{name}": INVERSE_LENGTH
                    for part in ("halo", "rings")
                    for name in ("radius", "error", "width")
                },
            },
        ),
        "candidates": Row(tuple[Crystal, ...], "index_phases"),
        "phases": Row(tuple[RegionPhase, ...], "index_phases", rescale=rescale_record),
        "strain": Row(
            StrainSettings,
            "gpa",
            {
                "g": WAVE_VECTOR,
                "resolution": LENGTH,
                "area": POSITION,
                "noise.white": Dimension(4, False),
                "noise.lines": Dimension(3, False),
            },
        ),
        "scan": Row(ScanTraces, "gpa", {"fly_back": LENGTH}),
        "invariants": Row(PhaseInvariants, "gpa"),
        "disagreement": Row(
            tuple[PixelMask, ...],  # one, of the image
            "gpa",
            {"grid.scale": POSITION, "grid.offset": POSITION},
        ),
        "blocks": Row(tuple[Block, ...], "gpa", {"g": WAVE_VECTOR}),
        "frames": Row(
            tuple[GradientNoise, ...],  # of each image of a series
            "gpa",
            {"white": Dimension(4, False), "lines": Dimension(3, False)},
        ),
        "choices": Row(
            Choices,
            "gpa",
            {
                "resolution": LENGTH,
                "neighbour": INVERSE_LENGTH,
                "reflections.position": WAVE_VECTOR,
            },
        ),
        "bulk": Row(tuple[BulkCell, ...], "absolute"),
        "image": Row(np.ndarray, "gpa"),  # on the image_grid
        "lattices": Row(
            tuple[RegisteredLattice, ...],
            "gpa",
            {"origin": POSITION, "origin_error": POSITION, "offset": POSITION},
        ),
        "model": Row(ModelBox, "to_atoms"),
        "alloy": Row(Alloy, "set_composition"),
        "composition": Row(CompositionReport, "composition"),
        "placement": Row(Placement, "register"),
        "placement_rows": Row(np.ndarray, "register"),  # y of each row of the placement
    }


def read(signal: BaseSignal, key: str, default: Any = None) -> Any:
    """Value of a key of the state.

    A state of an older version is brought to the present one first, in place.

    Parameters
    ----------
    signal
        The signal.
    key
        One of :func:`rows`.
    default
        What to give where the state has no such key.

    Raises
    ------
    ValueError
        If a newer version of the package wrote the state.
    """
    metadata = _migrated(signal).metadata
    item = metadata.get_item(f"Twin.{key}")
    if item is None:
        return default
    kind = rows()[key].kind
    if kind in (str, list[str]):
        return item
    if kind is np.ndarray:
        return np.asarray(item)
    texts = tuple(metadata.get_item("Twin.crystals", ()))
    if key == "outlines":
        return load_outlines(item.as_dictionary())
    if get_origin(kind) is tuple:
        return _decoded(kind, tuple(item), texts)
    return _decoded(tuple[kind], (item,), texts)[0]  # type: ignore[valid-type]


def node_with(signal: BaseSignal, state: Mapping[str, Any]) -> dict[str, Any]:
    """Node of a signal as metadata hold it, with other values.

    Parameters
    ----------
    signal
        The signal, which is left as it is.
    state
        Values by key; None takes a key away.
    """
    node = _migrated(signal).metadata.get_item("Twin")
    found = {} if node is None else node.as_dictionary()
    _store(found, state)
    return found


def write(signal: BaseSignal, **state: Any) -> None:
    """Write values into the state of a signal, in place."""
    node = node_with(signal, state)
    if signal.metadata.has_item("Twin"):
        del signal.metadata.Twin
    signal.metadata.set_item("Twin", node)


def rescale(signal: BaseSignal, factors: Factors) -> dict[str, Any]:
    """Values of the whole state after the pixel sizes (x, y) were multiplied by factors."""
    found = {}
    for key, row in rows().items():
        value = read(signal, key)
        if value is not None and (row.dimensions or row.rescale):
            found[key] = _rescaled(value, row, factors)
    return found


def _migrated(signal: BaseSignal) -> BaseSignal:
    """Signal whose state is of the present version, brought to it in place."""
    metadata = signal.metadata
    version = metadata.get_item("Twin.schema", 1)
    if version > SCHEMA:
        raise ValueError(
            f"a newer hyperspy_twin wrote this signal (state of version {version}, here "
            f"{SCHEMA}): pip install --upgrade hyperspy_twin"
        )
    if version < SCHEMA and metadata.has_item("Twin"):
        from hyperspy_twin.signals._migrations import (
            name_components,
            read_version_1,
            rename_crystallinity,
        )

        node = metadata.Twin.as_dictionary()
        if version == 1:
            state = read_version_1(node)
            node = {}
            _store(node, state)
        node = {**name_components(rename_crystallinity(node)), "schema": SCHEMA}
        del metadata.Twin
        metadata.set_item("Twin", node)
    return signal


def _store(node: dict[str, Any], state: Mapping[str, Any]) -> None:
    """Write values into a node, which is changed in place."""
    node["schema"] = SCHEMA
    crystals = list(node.get("crystals", []))
    for key, value in state.items():
        node.pop(key, None)
        if value is not None:
            node[key] = _stored(key, value, crystals)
    node["crystals"] = crystals


def _stored(key: str, value: Any, crystals: list[str]) -> Any:
    kind = rows()[key].kind
    if kind in (str, list[str], np.ndarray):
        return value
    if key == "outlines":
        return store_outlines(value)
    if get_origin(kind) is tuple:
        return [json.dumps(to_plain(one, crystals)) for one in value]
    return json.dumps(to_plain(value, crystals))


@lru_cache(maxsize=32)
def _decoded(kind: Any, texts: tuple[str, ...], crystals: tuple[str, ...]) -> tuple[Any, ...]:
    known = tuple(map(Crystal.from_json, crystals))
    return tuple(from_plain(get_args(kind)[0], json.loads(text), known) for text in texts)


def _rescaled(value: Any, row: Row, factors: Factors) -> Any:
    if isinstance(value, tuple):
        return tuple(_rescaled(one, row, factors) for one in value)
    if row.rescale is not None:
        return row.rescale(value, factors)
    return _with_dimensions(value, row.dimensions, factors)


def _with_dimensions(value: Any, dimensions: Mapping[str, Dimension], factors: Factors) -> Any:
    changed: dict[str, Any] = {}
    for name, dimension in dimensions.items():
        part, _, rest = name.partition(".")
        if rest:
            inner = changed.get(part, getattr(value, part))
            if inner is None:
                continue
            changed[part] = _with_dimensions(inner, {rest: dimension}, factors)
        elif getattr(value, part) is not None:
            changed[part] = dimension.rescale(getattr(value, part), factors)
    return replace(value, **changed)
