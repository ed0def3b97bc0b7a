"""What the state of a signal holds beside the records of the rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hyperspy_twin.core import Outlines


@dataclass(frozen=True)
class StrainSettings:
    """How a strain map was made.

    Attributes
    ----------
    reference
        Number of the region whose lattice is the reference.
    g
        Reciprocal vectors (x, y) of the reference lattice, shape (k, 2).
    resolution
        Standard deviation of the real-space window.
    definition
        ``"lagrangian"`` or ``"eulerian"``.
    """

    reference: int
    g: np.ndarray
    resolution: float
    definition: str


@dataclass(frozen=True)
class ModelBox:
    """What the columns of a table of atoms mean, and the box that the atoms lie in.

    Attributes
    ----------
    columns, units
        Name and unit of each column.
    cell
        Box as rows, in Å, shape (3, 3).
    origin
        Corner of the box in Å, shape (3,).
    pbc
        Whether the model repeats along each row of the box.
    """

    columns: tuple[str, ...]
    units: tuple[str, ...]
    cell: np.ndarray
    origin: np.ndarray
    pbc: tuple[bool, bool, bool]


def store_outlines(outlines: Outlines | tuple[Outlines, ...]) -> dict[str, np.ndarray]:
    """Outlines of one image, or of each image of a stack, as metadata hold them."""
    images = outlines if isinstance(outlines, tuple) else (outlines,)
    lengths = [np.diff(one.ring_start) for one in images]
    found = {
        "vertices": np.concatenate([np.zeros((0, 2)), *(one.vertices for one in images)]),
        "ring_start": np.cumsum(np.concatenate([np.zeros(1, int), *lengths])),
        "ring_region": np.concatenate(
            [np.zeros(0, np.int32), *(one.ring_region for one in images)]
        ),
    }
    if isinstance(outlines, tuple):
        found["ring_image"] = np.repeat(np.arange(len(images)), list(map(len, lengths)))
        found["images"] = np.array([len(images)])
    return found


def load_outlines(stored: Mapping[str, np.ndarray]) -> Outlines | tuple[Outlines, ...]:
    """Outlines of what :func:`store_outlines` gave."""
    from hyperspy_twin.core import Outlines

    start = np.asarray(stored["ring_start"])
    vertices, region = np.asarray(stored["vertices"]), np.asarray(stored["ring_region"])
    if "ring_image" not in stored:
        return Outlines(vertices, start, region)
    image = np.asarray(stored["ring_image"])
    return tuple(
        Outlines.from_rings(
            [vertices[start[ring] : start[ring + 1]] for ring in rings], region[rings].tolist()
        )
        for rings in (np.flatnonzero(image == n) for n in range(int(stored["images"][0])))
    )
