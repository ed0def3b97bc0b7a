"""What a region is, by its spectrum: one crystal, several, a powder, fringes, or no lattice."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from hyperspy_twin.core import Peaks, counted, with_error
from hyperspy_twin.spectra.crystallinity_evidence import (
    NAMES,
    Evidence,
    crystallinity_probabilities,
    is_proven,
)
from hyperspy_twin.spectra.detection import judge_by_power
from hyperspy_twin.spectra.halo import describe_pixels, find_halo, resolves_planes
from hyperspy_twin.spectra.lattices import find_lattices
from hyperspy_twin.spectra.rings import (
    RadialProfile,
    Rings,
    find_rings,
    measure_radial_profile,
    measure_relative_width,
)
from hyperspy_twin.spectra.transform import WindowedRegion

NO_LATTICE = NAMES[0]
# Names of regions without a lattice of which more is known.
AMORPHOUS = "amorphous"
VACUUM = "vacuum"


@dataclass(frozen=True)
class Crystallinity:
    """How crystalline a region is.

    Attributes
    ----------
    name
        The most probable of ``"no lattice seen"``, ``"single crystal"``, ``"several crystals"``,
        ``"powder"`` (rings of many crystals) and ``"fringes"`` (peaks along one line only). Where
        no lattice is seen, ``"amorphous"`` if the halo of a glass is measured, and ``"vacuum"``
        if nothing scatters. ``"too small"`` or ``"unknown"`` (a lattice of spacings that no
        crystal has, so that the pixel size is wrong) where nothing was weighed.
    reason
        One sentence for the reader.
    probability
        Probability of each of the first five; they sum to one.
    """

    name: str
    reason: str
    probability: dict[str, float] = field(default_factory=dict)

    @property
    def has_lattice(self) -> bool:
        """Whether the region is one crystal or several."""
        return self.name in ("single crystal", "several crystals")

    @property
    def without_lattice(self) -> bool:
        """Whether no lattice is seen, be it in a glass, in vacuum, or in what else it may be."""
        return self.name in (NO_LATTICE, AMORPHOUS, VACUUM)

    @property
    def shows_structure(self) -> bool:
        """Whether the spectrum shows peaks or rings."""
        return bool(self.probability) and self.name not in (NO_LATTICE, VACUUM)

    @property
    def certainty(self) -> float:
        """Probability of the name, for a glass and vacuum that no lattice is seen; else NaN."""
        return self.probability.get(NO_LATTICE if self.without_lattice else self.name, math.nan)


@dataclass(frozen=True, eq=False)
class RegionSpectrum:
    """What the spectrum of one region shows.

    Attributes
    ----------
    peaks
        The Bragg peaks, with the plane lattices that they are on.
    crystallinity
        What they say about the region.
    halo
        Ring of the noise between the peaks that is the halo of a glass; empty where none is
        measured.
    rings
        Rings of a powder by all power, of any other region by the noise between the peaks.
    """

    peaks: Peaks
    crystallinity: Crystallinity
    halo: Rings
    rings: Rings


def judge_region(
    peaks: Peaks,
    region: WindowedRegion,
    reality: np.ndarray | None = None,
    *,
    calibrated: bool = True,
) -> RegionSpectrum:
    """Judge how crystalline a region is from its peaks and the power between them.

    Parameters
    ----------
    peaks
        Peaks of the region, strongest first. Only position, error, intensity, SNR and
        probability are read.
    region
        The windowed region with its spectrum.
    reality
        (n,) probability that each peak is none of the maxima of noise; by default from
        the probability of the peaks, as a detector of constant false-alarm rate gives it. Where
        no lattice speaks for the peaks it is taken to be no more than their power allows.
    calibrated
        Whether the grid is in nm. Without a pixel size nobody knows what a ring is the halo of.
    """
    profile = measure_radial_profile(region, peaks.position, peaks.snr)
    evidence = gather_evidence(peaks, region, profile, reality, calibrated=calibrated)
    found = evidence.found
    probability = dict(zip(NAMES, crystallinity_probabilities(evidence).tolist(), strict=True))
    name = max(probability, key=lambda one: probability[one])
    noise = find_rings(profile.radius, profile.noise, profile.noise_error)
    halo, why = Rings.none(), "of a spacing that is not known without a pixel size"
    if calibrated:
        halo, why = find_halo(profile, noise)
    rings = noise
    if name == "powder":
        rings = find_rings(profile.radius, profile.mean, profile.mean_error)
    if name == NO_LATTICE:
        name = AMORPHOUS if len(halo) else NO_LATTICE
        reason = "; ".join(filter(None, [
            _no_peak(len(peaks)),
            _describe_ring(halo, noise, why),
            describe_pixels(region.grid) if calibrated else "",
        ]))  # fmt: skip
    else:
        reason = _reason(name, evidence, rings)
    crystallinity = Crystallinity(name, reason, probability)
    peaks = replace(peaks, lattice=found.membership, satellite=found.satellite)
    return RegionSpectrum(peaks, crystallinity, halo, rings)


def gather_evidence(
    peaks: Peaks,
    region: WindowedRegion,
    profile: RadialProfile,
    reality: np.ndarray | None = None,
    *,
    calibrated: bool = True,
) -> Evidence:
    """Collect what the crystallinity of a region is judged by.

    Parameters
    ----------
    peaks, region, reality, calibrated
        As for :func:`judge_region`.
    profile
        Radial profile of the region between the peaks.
    """
    resolution = _resolution(region)
    found = find_lattices(peaks.position, peaks.error, peaks.snr, resolution)
    if reality is None:
        false = -np.log(np.clip(peaks.probability, 1e-300, 1 - 1e-15))
        reality = judge_by_power(peaks, region, profile, false)
    elif not is_proven(found):
        # Any two maxima of noise span a lattice that speaks for both.
        reality = np.minimum(reality, judge_by_power(peaks, region, profile))
    return Evidence(
        position=peaks.position,
        snr=peaks.snr,
        reality=reality,
        resolution=resolution,
        found=found,
        graininess=profile.graininess,
        ring_width=measure_relative_width(profile),
        resolves_planes=not calibrated or resolves_planes(region.grid),
    )


def _resolution(region: WindowedRegion) -> np.ndarray:
    """Width (x, y) of a peak: the standard deviation for a Gaussian window as wide as this."""
    result = []
    for axis, size, scale in zip((0, 1), region.grid.shape[::-1], region.grid.scale, strict=True):
        weight = region.window.sum(axis=axis, dtype=float)
        position = np.arange(size) * scale
        mean = weight @ position / weight.sum()
        width = np.sqrt(weight @ (position - mean) ** 2 / weight.sum())
        result.append(1 / (2 * np.pi * max(width, scale)))
    return np.array(result)


def _no_peak(number: int) -> str:
    if not number:
        return "no peak stands out from the noise"
    peaks = "the only peak is" if number == 1 else f"the {number} peaks are"
    return f"{peaks} no stronger than noise makes {'it' if number == 1 else 'them'}"


def _describe_ring(halo: Rings, rings: Rings, why: str) -> str:
    """Describe the halo, or say why the most prominent ring is none; empty without rings."""
    if len(halo):
        at = with_error(halo.radius[0], halo.error[0])
        return f"the halo of a glass at {at} 1/nm (spacing {1 / halo.radius[0]:.2g} nm)"
    return f"the ring at {rings.radius[0]:.3g} (reciprocal unit) is {why}" if len(rings) else ""


def _reason(name: str, evidence: Evidence, rings: Rings) -> str:
    number, found = len(evidence.snr), evidence.found
    radii = ", ".join(f"{radius:.3g}" for radius in np.sort(rings.radius))
    at = f" at {radii} (reciprocal unit)" if len(rings) else ""
    if name == "fringes":
        return f"all {number} clear peaks lie along one direction"
    if name == "powder":
        peaks = f"{counted(number, 'peak')} on no common lattice" if number else "no single peak"
        return f"power of many crystallites in all directions{at}, {peaks}"
    on = np.bincount(found.membership, minlength=len(found.lattices) + 1)
    if name == "single crystal":
        count = int((found.satellite > 0).sum())
        own = f"{on[1] if len(on) > 1 else 0} of {counted(number, 'peak')} lie on one lattice"
        satellites = "is its satellite" if count == 1 else "are its satellites"
        return f"{own}, {count} {satellites}" if count else own
    if len(found.lattices) > 1:
        counts = " and ".join(str(count) for count in on[1:])
        return f"{len(found.lattices)} lattices of {counts} peaks, {counted(on[0], 'peak')} on none"
    return f"{on[0]} of {counted(number, 'peak')} lie on no lattice that holds the others"
