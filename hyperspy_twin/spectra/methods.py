"""The methods of finding peaks behind one call, and what else the spectrum of a region shows."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.spectra.crystallinity import (
    NO_LATTICE,
    Crystallinity,
    RegionSpectrum,
    judge_region,
)
from hyperspy_twin.spectra.detection import (
    detect_cfar,
    detect_consensus,
    detect_network,
    detect_profile,
)
from hyperspy_twin.spectra.rings import Rings
from hyperspy_twin.spectra.transform import WindowedRegion, windowed_region

METHODS = ("consensus", "gaussian", "network", "profile")
# Methods whose probability says that a peak is one, not that noise makes none.
WEIGHING = ("consensus", "network")
# Pixels across a region: below, it holds too few lattice periods to judge.
SMALLEST_REGION = 24
# Expected false peaks where a lattice beyond the shortest spacing is looked for: few, because what
# is found there takes an answer away.
BEYOND_FALSE_ALARMS = 0.01
# nm. Largest spacings of the low-index planes of metals and semiconductors lie around it: Al 0.23,
# Si 0.31, InAs 0.35 nm. It only tells roughly by how much a pixel size is wrong.
COMMON_SPACING = 0.3


def find_region_peaks(
    image: np.ndarray,
    grid: Grid,
    mask: np.ndarray,
    *,
    region: int = 0,
    method: str = "consensus",
    false_alarms: float = 0.05,
    shortest_spacing: float = 0.0,
    calibrated: bool = True,
) -> RegionSpectrum:
    """Find the Bragg peaks of one region of an image.

    Parameters
    ----------
    image
        Finite image, shape (rows, columns).
    grid
        Grid of the image.
    mask
        Boolean region, shape (rows, columns).
    region
        Number of the region, kept with the peaks.
    method
        ``"consensus"``, or one detector alone: ``"gaussian"``, ``"network"``, ``"profile"``.
    false_alarms
        Expected number of false peaks in a region without a lattice. The network judges by its
        own probability instead.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.
    calibrated
        Whether the grid is in nm. Without a pixel size no region is called amorphous.

    Returns
    -------
    RegionSpectrum
        Positions in the reciprocal of the grid's unit.

    Raises
    ------
    ValueError
        If the region is empty, the method unknown or ``false_alarms`` not positive.
    ImportError
        If the network is asked for and torch is not installed.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}: choose one of {', '.join(METHODS)}")
    if not false_alarms > 0:
        raise ValueError(f"false_alarms must be positive, not {false_alarms}")
    if not mask.any():
        raise ValueError("the region holds no pixel of this image")
    if np.ptp(image[mask]) == 0:
        return _no_peaks(region, NO_LATTICE, "the region has no contrast")
    windowed = windowed_region(image, grid, mask)
    # The width of the square that holds as much window as the region does.
    if np.sqrt(windowed.window.sum(dtype=float)) < SMALLEST_REGION:
        reason = f"narrower than {SMALLEST_REGION} pixels: too few lattice periods to judge"
        return _no_peaks(region, "too small", reason)
    peaks = replace(_detect(windowed, method, false_alarms, shortest_spacing), region=region)
    reality = peaks.probability if method in WEIGHING else None
    found = judge_region(peaks, windowed, reality, calibrated=calibrated)
    reason = "" if found.crystallinity.has_lattice else _beyond(windowed, shortest_spacing)
    return replace(found, crystallinity=Crystallinity("unknown", reason)) if reason else found


def detectors_of(method: str) -> list[str]:
    """Detectors that a method uses here: the consensus does without torch where it is absent."""
    if method != "consensus":
        return [method]
    return ["gaussian", "profile", *(["network"] if find_spec("torch") else []), "lattice"]


def _detect(
    region: WindowedRegion, method: str, false_alarms: float, shortest_spacing: float
) -> Peaks:
    if method == "network":
        return detect_network(region, shortest_spacing)
    detector = {"consensus": detect_consensus, "gaussian": detect_cfar, "profile": detect_profile}
    return detector[method](region, false_alarms, shortest_spacing)


def _beyond(region: WindowedRegion, shortest_spacing: float) -> str:
    """Say that a lattice lies beyond the shortest spacing; empty where there is none."""
    if not 0 < 2 * min(region.grid.scale) < shortest_spacing:
        return ""
    peaks = detect_cfar(region, BEYOND_FALSE_ALARMS)
    found = judge_region(peaks, region)
    on = found.peaks.lattice > 0
    radius = np.hypot(*found.peaks.position[on].T)
    if not found.crystallinity.has_lattice or not len(radius):
        return ""
    if radius.min() * shortest_spacing <= 1:
        return ""
    spacing = 1 / radius.min()
    return (
        f"the power lies beyond 1/{shortest_spacing:g} (reciprocal unit): a lattice of spacing "
        f"{spacing:.2g}, which no crystal has, so that the pixel size is too small by about "
        f"{float(f'{COMMON_SPACING / spacing:.1g}'):g} times (10 where nm were taken for Å, 1000 "
        "for pm)"
    )


def _no_peaks(region: int, name: str, reason: str) -> RegionSpectrum:
    none = Rings.none()
    return RegionSpectrum(Peaks.none(region), Crystallinity(name, reason), none, none)
