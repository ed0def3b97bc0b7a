"""What the state of a signal holds beside the records of the rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.core import GradientNoise, Grid, counted

if TYPE_CHECKING:
    from hyperspy_twin.core import Outlines

# Relative difference of pixel sizes from which an axis has been calibrated anew or rebinned.
SAME_SCALE = 1e-6


@dataclass(frozen=True, eq=False)
class PixelMask:
    """Marked pixels of an image.

    Attributes
    ----------
    grid
        Grid of the image.
    edges
        Where the mask, row by row, changes between unmarked and marked, shape (n,).
    """

    grid: Grid
    edges: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray, grid: Grid) -> PixelMask:
        """Mask of an image, boolean, shape (rows, columns)."""
        edges = np.flatnonzero(np.diff(mask.ravel().astype(np.int8), prepend=0, append=0))
        return cls(Grid(grid.shape, grid.scale, grid.offset), edges)

    @property
    def mask(self) -> np.ndarray:
        """Boolean, shape (rows, columns)."""
        change = np.zeros(int(np.prod(self.grid.shape)) + 1, np.int8)
        change[np.asarray(self.edges, int)] = 1
        return (np.cumsum(change[:-1]) % 2).astype(bool).reshape(self.grid.shape)

    def on(self, grid: Grid) -> np.ndarray:
        """Mask on the grid of a crop, a mirror image, or a rebinned or recalibrated image."""
        mask = self.mask
        for axis, index in ((0, 1), (1, 0)):
            mask = np.moveaxis(
                _along(
                    np.moveaxis(mask, axis, 0),
                    (self.grid.scale[index], self.grid.offset[index]),
                    (grid.scale[index], grid.offset[index]),
                    grid.shape[axis],
                ),
                0,
                axis,
            )
        return mask


def _along(
    mask: np.ndarray, own: tuple[float, float], other: tuple[float, float], size: int
) -> np.ndarray:
    """Lines of a mask on another axis, each given by its scale and offset."""
    ratio = abs(other[0] / own[0])
    factor = round(ratio)
    rebinned = factor > 1 and abs(ratio - factor) < SAME_SCALE and size == len(mask) // factor
    if rebinned:
        return np.any(mask[: size * factor].reshape(size, factor, *mask.shape[1:]), axis=1)
    if size == len(mask):
        return mask if own[0] * other[0] > 0 else mask[::-1]
    position = (other[1] + other[0] * np.arange(size)) / ratio
    index = np.rint((position - own[1]) / own[0])
    inside = (index >= 0) & (index < len(mask))
    found = np.zeros((size, *mask.shape[1:]), bool)
    found[inside] = mask[index[inside].astype(int)]
    return found


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
    components
        Names of the maps along the navigation axis.
    noise
        Noise behind the errors; None in maps of which it is not known.
    angle
        Direction of x' in degrees above x, counter-clockwise as seen on the screen: strains and
        displacement are those of the axes x' and y'. ``g`` stays in the axes of the image.
    frame
        What x' is in words; empty where the axes are those of the image.
    series
        Whether the map is that of a series, with the reference lattice of another image.
    area
        Vertices (x, y) of the drawn area of the reference; None where it was chosen.
    """

    reference: int
    g: np.ndarray
    resolution: float
    definition: str
    components: tuple[str, ...]
    noise: GradientNoise | None = None
    angle: float = 0.0
    frame: str = ""
    series: bool = False
    area: np.ndarray | None = None


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


@dataclass(frozen=True)
class CompositionReport:
    """How a composition map was made, and what its fractions rest on.

    Attributes
    ----------
    elements
        Symbols along the navigation axis of the new map.
    method
        How the fractions were found.
    notes
        What was read from the data or assumed, a sentence each.
    withheld
        Number of pixels without a fraction, by the reason.
    chi_square
        Of the fit of the spectra, over the degrees of freedom, in the mean of the pixels; NaN where
        nothing was fitted.
    """

    elements: tuple[str, ...]
    method: str
    notes: tuple[str, ...] = ()
    withheld: Mapping[str, int] = field(default_factory=dict)
    chi_square: float = float("nan")

    def __str__(self) -> str:
        """One line for each sentence."""
        lines = [f"{', '.join(self.elements)}: {self.method}", *self.notes]
        if not np.isnan(self.chi_square):
            lines.append(
                f"chi-square of the fit over the degrees of freedom: {self.chi_square:.3g}"
            )
        withheld = sorted(self.withheld.items(), key=lambda item: -item[1])
        lines += [f"withheld in {counted(n, 'pixel')}: {reason}" for reason, n in withheld]
        return "\n".join(lines)


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
