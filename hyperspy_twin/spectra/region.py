"""What the spectrum of one region says: spots, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.grid import Grid
from hyperspy_twin.spectra.gaussian import Spots, detect
from hyperspy_twin.spectra.transform import windowed_region

SMALLEST_REGION = 24
COLLINEAR = np.sin(np.deg2rad(3.0))


@dataclass(frozen=True)
class RegionSpots:
    """Spots of a region with the state they imply.

    Attributes
    ----------
    spots
        The Bragg spots, one of each Friedel pair.
    state
        ``"crystalline"`` (spots in two directions), ``"fringes"`` (spots along one line only),
        ``"amorphous"`` (no spot) or ``"too small"``.
    reason
        One sentence for the reader.
    """

    spots: Spots
    state: str
    reason: str


def find_region_peaks(
    image: np.ndarray,
    grid: Grid,
    mask: np.ndarray,
    *,
    false_alarms: float = 0.05,
    shortest_spacing: float = 0.0,
) -> RegionSpots:
    """Find the Bragg spots of one region of an image.

    Parameters
    ----------
    image
        Finite image, shape (rows, columns).
    grid
        Grid of the image.
    mask
        Boolean region, shape (rows, columns).
    false_alarms
        Expected number of false spots in a region without a lattice.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.

    Returns
    -------
    RegionSpots
        Positions in the reciprocal of the grid's unit.

    Raises
    ------
    ValueError
        If the region is empty or ``false_alarms`` is not positive.
    """
    if not false_alarms > 0:
        raise ValueError(f"false_alarms must be positive, not {false_alarms}")
    if not mask.any():
        raise ValueError("the region holds no pixel of this image")
    if np.ptp(image[mask]) == 0:
        return RegionSpots(_no_spots(), "amorphous", "the region has no contrast")
    region = windowed_region(image, grid, mask)
    if _inner_width(region.window) < SMALLEST_REGION:
        reason = f"narrower than {SMALLEST_REGION} pixels: too few lattice periods to judge"
        return RegionSpots(_no_spots(), "too small", reason)
    spots = detect(region, false_alarms, shortest_spacing)
    if len(spots) == 0:
        reason = f"no spot above the noise ({false_alarms:g} false spots expected)"
        return RegionSpots(spots, "amorphous", reason)
    if _collinear(spots.position):
        return RegionSpots(spots, "fringes", "all spots lie along one direction")
    return RegionSpots(spots, "crystalline", f"{len(spots)} spots in two directions")


def _inner_width(window: np.ndarray) -> float:
    """Width in pixels of the square that holds as much window as the region does."""
    return float(np.sqrt(window.sum(dtype=float)))


def _collinear(vectors: np.ndarray) -> bool:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    sines = unit[0, 0] * unit[:, 1] - unit[0, 1] * unit[:, 0]
    return bool(np.abs(sines).max() < COLLINEAR)


def _no_spots() -> Spots:
    none = np.zeros(0)
    return Spots(np.zeros((0, 2)), np.zeros((0, 2)), none, none, none)
