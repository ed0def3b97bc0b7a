"""Errors that say why an image, a vector or a reference cannot give a strain."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Grid
from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise import Noise, is_significant
from hyperspy_twin.strain.vectors import LARGEST_DRIFT, MINIMUM_SEPARATION, separation
from hyperspy_twin.strain.wave_weights import MINIMUM_SQUARED_SINE, are_one_lattice

# The image must hold this many standard deviations of the window in each direction: two
# on either side of its centre.
MINIMUM_EXTENT = 4.0


def check_input(
    image: np.ndarray,
    grid: Grid,
    vectors: np.ndarray,
    resolution: float,
    reference: np.ndarray,
    labels: np.ndarray | None,
    definition: str,
) -> None:
    """Raise a ValueError for input that cannot give a strain."""
    if image.ndim != 2 or image.shape != grid.shape:
        raise ValueError(f"the image has shape {image.shape}, its grid {grid.shape}")
    if not np.isfinite(image).all():
        raise ValueError("the image holds NaN or infinite values: replace or crop them first")
    if definition not in ("lagrangian", "eulerian"):
        raise ValueError(f"definition is 'lagrangian' or 'eulerian', not {definition!r}")
    if reference.shape != grid.shape:
        raise ValueError(f"the reference has shape {reference.shape}, the image {grid.shape}")
    if not reference.any():
        raise ValueError("the reference is empty: mark pixels of the unstrained lattice")
    if labels is not None and labels.shape != grid.shape:
        raise ValueError(f"the labels have shape {labels.shape}, the image {grid.shape}")
    check_vectors(vectors, grid)
    check_resolution(resolution, vectors, grid)


def check_vectors(vectors: np.ndarray, grid: Grid) -> None:
    """Raise a ValueError for vectors that do not determine a strain tensor."""
    if vectors.ndim != 2 or vectors.shape[1:] != (2,) or len(vectors) < 2:
        raise ValueError(f"vectors need the shape (k, 2) with k >= 2, not {vectors.shape}")
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(vectors).all() or not (lengths > 0.0).all():
        raise ValueError("the vectors must be finite and different from zero")
    unit = vectors / lengths[:, None]
    if np.linalg.det(unit.T @ unit) < MINIMUM_SQUARED_SINE:
        raise ValueError(
            "the vectors are collinear: choose two reflections in clearly different directions"
        )
    nyquist = 0.5 / np.array(grid.scale)
    if (np.abs(vectors) >= nyquist).any():
        raise ValueError(
            f"a vector lies beyond the Nyquist frequency {tuple(nyquist)}: choose a reflection of "
            "lower order or an image with smaller pixels"
        )


def check_resolution(resolution: float, vectors: np.ndarray, grid: Grid) -> None:
    """Raise a ValueError where the window is too small or too large."""
    if not np.isfinite(resolution) or resolution <= 0.0:
        raise ValueError(f"the resolution must be a positive length, not {resolution}")
    extent = min(grid.extent)
    if extent < MINIMUM_EXTENT * resolution:
        raise ValueError(
            f"the image is too small ({extent:g}) for the resolution {resolution:g}: it needs "
            f"{MINIMUM_EXTENT:g} times the resolution; use a smaller resolution or a larger image"
        )
    smallest = MINIMUM_SEPARATION / separation(vectors, grid.scale)
    if resolution < smallest:
        raise ValueError(
            f"the resolution {resolution:g} is too small: the mask in reciprocal space overlaps "
            f"the centre or another reflection; use at least {smallest:g}"
        )


def check_reference(intensity: np.ndarray, mass: float) -> None:
    """Raise a ValueError where the reference is not analysed or is empty of contrast."""
    if mass <= 0.0:
        raise ValueError(
            "the reference lies in no analysed region: choose it inside a labelled region that is "
            "larger than the window"
        )
    if not (intensity > 0.0).all():
        raise ValueError("no lattice in the reference: the image is constant there")


def find_drifted(refined: np.ndarray, vectors: np.ndarray, resolution: float) -> np.ndarray:
    """Which waves of the reference lie outside the given mask, shape (k,)."""
    return np.linalg.norm(refined - vectors, axis=1) > LARGEST_DRIFT / resolution


def check_drift(refined: np.ndarray, vectors: np.ndarray, resolution: float) -> None:
    """Raise a ValueError where the lattice in the reference lies outside the given mask."""
    for index in np.flatnonzero(find_drifted(refined, vectors, resolution)):
        distance = np.linalg.norm(refined[index] - vectors[index])
        raise ValueError(
            f"no lattice at vector {index + 1} in the reference: the nearest reflection there "
            f"lies {distance:.3g} away, outside the mask; correct the vector"
        )


def find_absent(
    weights: list[np.ndarray], regions: list[LatticeWaves], noises: list[Noise]
) -> np.ndarray:
    """Which waves are not above the noise in half of the reference, shape (k,).

    ``weights`` are those of the reference at the nodes of each region.
    """
    total = sum(float(weight.sum(dtype=float)) for weight in weights)
    present = [
        sum(
            float(np.sum(weight * is_significant(region, noise, index), dtype=float))
            for weight, region, noise in zip(weights, regions, noises, strict=True)
        )
        for index in range(len(regions[0]))
    ]
    return np.array(present) < 0.5 * total


def check_lattice(absent: np.ndarray) -> None:
    """Raise a ValueError where a wave is absent from the reference."""
    for index in np.flatnonzero(absent):
        raise ValueError(
            f"no lattice at vector {index + 1} in the reference: its amplitude is not above "
            "the noise; choose another vector, reference or a larger resolution"
        )


def describe_vectors(vectors: np.ndarray) -> str | None:
    """Say what is doubtful where the vectors (k, 2) of a strain are not those of one lattice."""
    if are_one_lattice(vectors):
        return None
    return (
        "the vectors of the strain are not those of one lattice within their errors: the "
        "displacement far from the reference depends on the reflections; choose a larger "
        "reference, or give reflections or vectors of one crystal"
    )
