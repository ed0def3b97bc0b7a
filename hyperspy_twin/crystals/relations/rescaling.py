"""Explanations and records after the pixel size of their image was changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hyperspy_twin.core import OrientedCrystal
from hyperspy_twin.crystals.indexing import Composition, Match, RegionPhase
from hyperspy_twin.crystals.relations.lattice_fit import square_root

Pair = tuple[float, float]
SAME = 1e-6  # relative: rounding of a pixel size


def rescale_record(record: RegionPhase, factors: Pair) -> RegionPhase:
    """Give the same record after the pixel sizes (x, y) were multiplied by factors."""
    ranking = tuple(rescale_match(match, factors) for match in record.ranking)
    further = tuple(rescale_record(one, factors) for one in record.further)
    record = replace(record, ranking=ranking, further=further)
    if record.match is None:
        return record
    scale, distortion = rescale_distortion(record.scale, record.distortion, factors)
    match = rescale_match(record.match, factors)
    return replace(record, match=match, scale=scale, distortion=distortion)


def rescale_match(match: Match, factors: Pair) -> Match:
    """Give the same explanation after the pixel sizes (x, y) were multiplied by factors."""
    affine = match.scale * match.distortion @ match.orientation[:2]
    scale, distortion, orientation = _rescale(affine, factors)
    oriented = OrientedCrystal(match.crystal, match.zone_axis, orientation)
    return replace(
        match,
        oriented=oriented,
        scale=scale,
        distortion=distortion,
        composition=_keep_composition(match.composition, factors),
    )


def _keep_composition(composition: Composition | None, factors: Pair) -> Composition | None:
    """Composition of an alloy, which was read from a spacing, at another pixel size."""
    if composition is None or not composition.known or np.allclose(factors, 1, rtol=0, atol=SAME):
        return composition
    return Composition(
        reason="x is withheld: the pixel size was changed since; call index_phases(...) again"
    )


def rescale_distortion(
    scale: float, distortion: np.ndarray, factors: Pair
) -> tuple[float, np.ndarray]:
    """Scale and distortion of an image after its pixel sizes were multiplied by factors."""
    new_scale, new_distortion, _ = _rescale(scale * distortion @ np.eye(3)[:2], factors)
    return new_scale, new_distortion


def _rescale(affine: np.ndarray, factors: Pair) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, distortion and orientation of a plane map, shape (2, 3), in the new unit."""
    affine = affine / np.asarray(factors, float)[:, None]
    matrix = square_root(affine @ affine.T)
    scale = float(np.trace(matrix) / 2)
    x, y = np.linalg.solve(matrix, affine)
    return scale, matrix / scale, np.array([x, y, np.cross(x, y)])
