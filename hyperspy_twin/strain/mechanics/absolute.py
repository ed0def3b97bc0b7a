"""Strain of each region against the bulk cell of its own phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM, Crystal, Definition, OrientedCrystal
from hyperspy_twin.strain.mechanics.deformation import (
    Gradients,
    deformation_gradient,
    frame_axes,
    invert,
    product,
    strain_components,
    turn,
)

# Distance of Miller indices from whole numbers that is still strain: a lattice that is 10 % off
# moves an index of 4 by 0.4.
LARGEST_INDEX_ERROR = 0.4
# Relative residual of the vectors of one lattice: what is left is the error of a position, not of
# an index.
LARGEST_RESIDUAL = 0.02
# Principal stretches of a solid crystal against its bulk cell lie between these; set by judgement.
STRETCHES = (0.8, 1.25)


@dataclass(frozen=True, eq=False)
class BulkCell:
    """The bulk cell that the absolute strain of a region refers to.

    Attributes
    ----------
    region
        Number of the region.
    crystal
        Its phase; None where the strain has no cell to refer to.
    deformation
        Deformation gradient from the bulk cell, turned with the region, to the lattice of the
        reference, in the axes of the image, shape (2, 2); NaN without a crystal.
    turn
        Rotation of the region against the reference in degrees, counter-clockwise.
    reason
        Why there is no cell; empty where there is one.
    """

    region: int
    crystal: Crystal | None
    deformation: np.ndarray
    turn: float = float("nan")
    reason: str = ""


def no_cell(region: int, reason: str) -> BulkCell:
    """Say why a region has no bulk cell to refer to."""
    return BulkCell(region, None, np.full((2, 2), np.nan), reason=reason)


def find_bulk_cell(
    region: int, oriented: OrientedCrystal, vectors: np.ndarray, mean: np.ndarray
) -> BulkCell:
    """Relate the lattice of the reference to the bulk cell of the phase of a region.

    The reflections of the region are those of the reference, moved by the mean deformation; the
    phase and its orientation tell their indices, and its cell where they would be without strain.
    The cell is turned with the region, so that a rotation is no strain.

    Parameters
    ----------
    region
        Number of the region.
    oriented
        Its phase with the orientation that was indexed.
    vectors
        Reciprocal vectors (x, y) of the reference in 1/nm, shape (k, 2).
    mean
        Mean deformation gradient of the region relative to the reference, shape (2, 2).

    Returns
    -------
    BulkCell
        Without a crystal, but with a reason, where vectors and phase do not fit.
    """
    vectors, mean = np.asarray(vectors, float), np.asarray(mean, float)
    name = oriented.crystal.name
    if not np.isfinite(mean).all():
        return no_cell(region, "it shows no lattice at the vectors of the analysis")
    local = vectors @ np.linalg.inv(mean)
    plane = np.column_stack([local, np.zeros(len(local))])
    indices = plane @ oriented.orientation @ oriented.crystal.base.T / ANGSTROM_PER_NM
    hkl = np.rint(indices)
    off = np.abs(indices - hkl).max(axis=1)
    if off.max() > LARGEST_INDEX_ERROR or not hkl.any(axis=1).all():
        worst = ", ".join(f"{one:.2f}" for one in indices[off.argmax()])
        return no_cell(region, f"a vector of the analysis is no reflection of {name}: ({worst})")
    bulk = oriented.reciprocal_vectors(hkl)
    inverse, *_ = np.linalg.lstsq(bulk, vectors, rcond=None)
    residual = np.linalg.norm(bulk @ inverse - vectors) / np.linalg.norm(vectors)
    if residual > LARGEST_RESIDUAL or np.linalg.matrix_rank(bulk) < 2:
        return no_cell(
            region, f"the vectors of the analysis do not fit the cell of {name} ({residual:.1%})"
        )
    deformation = np.linalg.inv(inverse)
    total = mean @ deformation
    stretches = np.linalg.svd(total, compute_uv=False)
    if np.linalg.det(total) < 0 or not (
        STRETCHES[0] < stretches[-1] <= stretches[0] < STRETCHES[1]
    ):
        return no_cell(region, f"its lattice differs from that of {name} by more than any strain")
    # The cell turned so that the mean deformation of the region has no rotation.
    own = frame_axes(_rotation(total))
    return BulkCell(
        region, oriented.crystal, deformation @ own, turn=float(np.round(_rotation(mean), 12))
    )


def refer_to_bulk(
    gradients: Gradients,
    labels: np.ndarray,
    vectors: np.ndarray,
    phases: Mapping[int, OrientedCrystal | str],
) -> tuple[BulkCell, ...]:
    """Bulk cell of each region.

    Parameters
    ----------
    gradients
        Deformation relative to the reference, of each pixel.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    vectors
        Reciprocal vectors (x, y) of the reference in 1/nm, shape (k, 2).
    phases
        Phase of each region with its orientation, or why there is none.
    """
    found = []
    known = np.isfinite(gradients.relative).all(axis=(0, 1))
    for region in np.unique(labels[labels > 0]).tolist():
        phase = phases.get(region, "it has no indexed phase")
        inside = known & (labels == region)
        if isinstance(phase, str):
            found.append(no_cell(region, phase))
        elif not inside.any():
            found.append(no_cell(region, "it shows no lattice at the vectors of the analysis"))
        else:
            mean = gradients.mean(inside).relative
            found.append(find_bulk_cell(region, phase, vectors, mean))
    return tuple(found)


def absolute_components(
    gradients: Gradients, labels: np.ndarray, cells: Sequence[BulkCell], angle: float = 0.0
) -> np.ndarray:
    """Strain against the bulk cells, and rotation against the reference, (4, rows, columns).

    ``angle`` is that of the axes of the result. NaN where a region has no cell.
    """
    deformation, turned = _by_pixel(labels, cells)
    own = turn(product(gradients.relative, deformation), angle)
    found = strain_components(own, gradients.definition)
    found[3] += turned
    return found


def gradients_of_map(
    components: np.ndarray,
    labels: np.ndarray,
    definition: Definition,
    *,
    angle: float = 0.0,
    cells: Sequence[BulkCell] = (),
) -> Gradients:
    """Deformation gradients of a map, in the axes of the image.

    Parameters
    ----------
    components
        e_xx, e_yy, e_xy and rotation (degrees), shape (4, rows, columns).
    labels
        Region of each pixel.
    definition
        Of the strain.
    angle
        Of the axes of the components above those of the image.
    cells
        Bulk cells that the strain refers to; none for a strain against the reference.
    """
    if not cells:
        own = turn(deformation_gradient(components, definition), -angle)
        return Gradients(own, own, definition)
    deformation, turned = _by_pixel(labels, cells)
    e_xx, e_yy, e_xy, rotation = components
    own = deformation_gradient(np.array([e_xx, e_yy, e_xy, rotation - turned]), definition)
    own = turn(own, -angle)
    return Gradients(product(own, invert(deformation)), own, definition)


def _by_pixel(labels: np.ndarray, cells: Sequence[BulkCell]) -> tuple[np.ndarray, np.ndarray]:
    """Deformation (2, 2, rows, columns) and rotation of the cell of each pixel."""
    size = 1 + max([int(labels.max()), *(cell.region for cell in cells)])
    deformation, turned = np.full((2, 2, size), np.nan), np.full(size, np.nan)
    for cell in cells:
        deformation[:, :, cell.region], turned[cell.region] = cell.deformation, cell.turn
    return deformation[:, :, labels], turned[labels]


def _rotation(gradient: np.ndarray) -> float:
    """Rotation of a deformation gradient in degrees, counter-clockwise."""
    (a, b), (c, d) = gradient
    return float(np.degrees(np.arctan2(b - c, a + d)))
