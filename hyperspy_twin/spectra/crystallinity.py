"""What a region is, by its spots: amorphous, one crystal, several, a powder, or fringes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.spectra.crystallinity_evidence import (
    STATES,
    Evidence,
    proven,
    state_probabilities,
)
from hyperspy_twin.spectra.detection.cfar import Spots
from hyperspy_twin.spectra.detection.noise_maxima import reality_by_power
from hyperspy_twin.spectra.lattices.fit import Lattice, find_lattices
from hyperspy_twin.spectra.rings import (
    RadialProfile,
    Rings,
    find_rings,
    radial_profile,
    relative_width,
)
from hyperspy_twin.spectra.transform import WindowedRegion


@dataclass(frozen=True)
class RegionState:
    """State of a region, and the lattices and rings that it shows.

    Attributes
    ----------
    state
        The most probable of ``"amorphous"``, ``"single crystal"``, ``"several crystals"``,
        ``"powder"`` and ``"fringes"`` (spots along one line only).
    probability
        Probability of each state; they sum to one.
    reason
        One sentence for the reader.
    lattices
        Plane lattices of the spots, the one found first is the clearest.
    membership
        Number of the lattice of each spot, from 1; 0 for a spot on none; shape (n,).
    satellite
        Number of the lattice that a spot is a satellite of, displaced from its points by a wave
        vector that it shares with other spots, as a periodic error of the scan or a modulation
        of the crystal makes them; 0 for any other spot; shape (n,).
    halo
        Most prominent ring of the noise between the spots, as of an amorphous film; empty where
        there is none.
    rings
        Rings of a powder by all power, of any other region by the noise between the spots.
    """

    state: str
    probability: dict[str, float]
    reason: str
    lattices: tuple[Lattice, ...]
    membership: np.ndarray
    satellite: np.ndarray
    halo: Rings
    rings: Rings


def region_state(
    spots: Spots, region: WindowedRegion, reality: np.ndarray | None = None
) -> RegionState:
    """Judge what a region is from its spots and the power between them.

    Parameters
    ----------
    spots
        Spots of the region, strongest first. Only position, error, intensity, SNR and
        probability are read.
    region
        The windowed region with its spectrum.
    reality
        (n,) probability that each spot is none of the maxima of noise; by default from
        the probability of the spots, as a detector of constant false-alarm rate gives it. Where
        no lattice speaks for the spots it is taken to be no more than their power allows.

    Returns
    -------
    RegionState
        State, lattices and rings.
    """
    profile = radial_profile(region, spots.position, spots.snr)
    evidence = gather(spots, region, profile, reality)
    found = evidence.found
    probability = dict(zip(STATES, state_probabilities(evidence).tolist(), strict=True))
    state = max(probability, key=lambda name: probability[name])
    noise = find_rings(profile.radius, profile.noise, profile.noise_error)
    halo = Rings(*(value[:1] for value in vars(noise).values()))
    rings = noise
    if state == "powder":
        rings = find_rings(profile.radius, profile.mean, profile.mean_error)
    return RegionState(
        state=state,
        probability=probability,
        reason=_reason(state, evidence, rings),
        lattices=found.lattices,
        membership=found.membership,
        satellite=found.satellite,
        halo=halo,
        rings=rings,
    )


def gather(
    spots: Spots, region: WindowedRegion, profile: RadialProfile, reality: np.ndarray | None = None
) -> Evidence:
    """Collect what the state of a region is judged by.

    Parameters
    ----------
    spots, region, reality
        As for :func:`region_state`.
    profile
        Radial profile of the region beside the spots.
    """
    resolution = _resolution(region)
    found = find_lattices(spots.position, spots.error, spots.snr, resolution)
    if reality is None:
        false = -np.log(np.clip(spots.probability, 1e-300, 1 - 1e-15))
        reality = reality_by_power(spots, region, profile, false)
    elif not proven(found):
        # Any two maxima of noise span a lattice that speaks for both.
        reality = np.minimum(reality, reality_by_power(spots, region, profile))
    return Evidence(
        position=spots.position,
        snr=spots.snr,
        reality=reality,
        resolution=resolution,
        found=found,
        graininess=profile.graininess,
        ring_width=relative_width(profile),
    )


def _resolution(region: WindowedRegion) -> np.ndarray:
    """Width (x, y) of a spot: the standard deviation for a Gaussian window as wide as this."""
    result = []
    for axis, size, scale in zip((0, 1), region.grid.shape[::-1], region.grid.scale, strict=True):
        weight = region.window.sum(axis=axis, dtype=float)
        place = np.arange(size) * scale
        mean = weight @ place / weight.sum()
        width = np.sqrt(weight @ (place - mean) ** 2 / weight.sum())
        result.append(1 / (2 * np.pi * max(width, scale)))
    return np.array(result)


def _reason(state: str, evidence: Evidence, rings: Rings) -> str:
    number, found = len(evidence.snr), evidence.found
    radii = ", ".join(f"{radius:.3g}" for radius in np.sort(rings.radius))
    at = f" at {radii} (reciprocal unit)" if len(rings) else ""
    if state == "amorphous":
        spots = "no spot stands out from the noise"
        if number:
            spots = f"the {number} spots are no stronger than noise makes them"
        return spots + (f"; rings{at}" if at else "")
    if state == "fringes":
        return f"all {number} clear spots lie along one direction"
    if state == "powder":
        spots = f"{number} spots on no common lattice" if number else "no single spot"
        return f"power of many crystallites in all directions{at}, {spots}"
    on = np.bincount(found.membership, minlength=len(found.lattices) + 1)
    if state == "single crystal":
        beside = int((found.satellite > 0).sum())
        satellites = f", {beside} are its satellites" if beside else ""
        return f"{on[1] if len(on) > 1 else 0} of {number} spots lie on one lattice{satellites}"
    if len(found.lattices) > 1:
        share = " and ".join(str(count) for count in on[1:])
        return f"{len(found.lattices)} lattices of {share} spots, {on[0]} spots on none"
    return f"{on[0]} of {number} spots lie on no lattice that holds the others"
