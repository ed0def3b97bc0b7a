"""What the spectrum of one region says: spots, rings, and what the region is."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.crystallinity import region_state
from hyperspy_twin.spectra.detection.cfar import Spots, detect, no_spots
from hyperspy_twin.spectra.detection.consensus import detect_consensus
from hyperspy_twin.spectra.detection.line_profiles import detect_profile
from hyperspy_twin.spectra.rings import Rings
from hyperspy_twin.spectra.transform import WindowedRegion, windowed_region

METHODS = ("consensus", "gaussian", "network", "profile")
WEIGHING = ("consensus", "network")  # their probability says that a spot is one
SMALLEST_REGION = 24
LATTICE_STATES = ("single crystal", "several crystals")


@dataclass(frozen=True)
class RegionSpots:
    """Spots of a region with the state they imply.

    Attributes
    ----------
    spots
        The Bragg spots, one of each Friedel pair.
    state
        ``"single crystal"``, ``"several crystals"``, ``"powder"`` (rings of many crystals),
        ``"fringes"`` (spots along one line only), ``"amorphous"`` or ``"too small"``.
    reason
        One sentence for the reader.
    probability
        Probability of each state that was weighed; empty where none was.
    lattice
        (n,) number of the plane lattice of each spot, from 1; 0 for a spot on none.
    satellite
        (n,) number of the lattice that each spot is a satellite of, displaced from its points by
        one common vector, as scan distortions and modulations make them; 0 for others.
    halo, rings
        Halo of an amorphous region and the rings of the spectrum, in reciprocal units.
    """

    spots: Spots
    state: str
    reason: str
    probability: dict[str, float]
    lattice: np.ndarray
    satellite: np.ndarray
    halo: Rings
    rings: Rings


def find_region_peaks(
    image: np.ndarray,
    grid: Grid,
    mask: np.ndarray,
    *,
    method: str = "consensus",
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
    method
        ``"consensus"``, or one detector alone: ``"gaussian"``, ``"network"``, ``"profile"``.
    false_alarms
        Expected number of false spots in a region without a lattice. The network judges by its
        own probability instead.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.

    Returns
    -------
    RegionSpots
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
        return _nothing("amorphous", "the region has no contrast")
    region = windowed_region(image, grid, mask)
    if _inner_width(region.window) < SMALLEST_REGION:
        reason = f"narrower than {SMALLEST_REGION} pixels: too few lattice periods to judge"
        return _nothing("too small", reason)
    spots = _detect(region, method, false_alarms, shortest_spacing)
    return judge(region, spots, spots.probability if method in WEIGHING else None)


def judge(region: WindowedRegion, spots: Spots, reality: np.ndarray | None = None) -> RegionSpots:
    """Tell from its spots and the power between them what a region is.

    Parameters
    ----------
    region
        The windowed region.
    spots
        Its spots.
    reality
        (n,) probability that each is a spot, where more than its power is known.
    """
    found = region_state(spots, region, reality)
    return RegionSpots(
        spots,
        found.state,
        found.reason,
        found.probability,
        found.membership,
        found.satellite,
        found.halo,
        found.rings,
    )


def detectors_of(method: str) -> list[str]:
    """Detectors that a method uses here: the consensus does without torch where it is absent."""
    if method != "consensus":
        return [method]
    return ["gaussian", "profile", *(["network"] if find_spec("torch") else []), "lattice"]


def _detect(
    region: WindowedRegion, method: str, false_alarms: float, shortest_spacing: float
) -> Spots:
    if method == "network":
        from hyperspy_twin.spectra.detection.network import detect_network

        return detect_network(region, shortest_spacing)
    detector = {"consensus": detect_consensus, "gaussian": detect, "profile": detect_profile}
    return detector[method](region, false_alarms, shortest_spacing)


def _inner_width(window: np.ndarray) -> float:
    """Width in pixels of the square that holds as much window as the region does."""
    return float(np.sqrt(window.sum(dtype=float)))


def _nothing(state: str, reason: str) -> RegionSpots:
    none = Rings(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))
    nothing = np.zeros(0, int)
    return RegionSpots(no_spots(), state, reason, {}, nothing, nothing, none, none)
