"""What the intensities of peaks, and reflections that are not seen, say for a crystal."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel
from hyperspy_twin.crystals.diffraction import ZonePattern
from hyperspy_twin.crystals.evidence.hypotheses import FADING, Observed

# The numbers here were set on the tuning half of benchmarks/phases.py.
#
# Standard deviations of ln(intensity) about the kinematical value with a smooth fall-off, equally
# likely: thin crystals at the zone axis, and thick or tilted ones.
INTENSITY_SDS = np.array([0.4, 0.7, 1.2])
UNRULED_SD = 1.2  # standard deviation of ln(intensity) about a mere fall-off
INTENSITY_CAP = 1.5  # in ln(likelihood): what the intensity of one peak says at most
# What makes intensities differ from the kinematical ones is alike for many reflections: they say no
# more than so many independent ones.
INDEPENDENT = 5.0
# Probabilities to find a strong reflection, equally likely: none lost, or one of five.
DETECTED = np.array([0.98, 0.8])
# That of one that only double diffraction feeds: along weak paths, and along the strongest.
FORBIDDEN = 0.03
DOUBLE = 0.3
UNEXPLAINED = -1.2  # ln(evidence) of a peak that no reflection explains
FALL_OFF = 0.08  # nm²: mean slope of ln(intensity) against squared length
FALL_OFF_SD = 0.08  # nm²: its standard deviation


@kernel
def intensity_trend(
    observed: Observed, matched: np.ndarray, squared: np.ndarray, law: np.ndarray, sd: float
) -> tuple[float, float]:
    """Intercept and fall-off of ln(intensity) = first + law - second * squared.

    ``matched`` is the reflection of each peak, -1 for none, ``squared`` the squared length of each
    reflection in nm⁻², ``law`` its ln(squared structure factor), -inf for a forbidden one, and
    ``sd`` the standard deviation of the logarithmic intensities.
    """
    mean, spread = FALL_OFF, FALL_OFF_SD
    w, wx, wy, wxx, wxy = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(matched)):
        k = matched[i]
        if k < 0 or law[k] == -np.inf:
            continue
        x = squared[k]
        y = observed.log_intensity[i] - law[k] + mean * x
        weight = observed.weight[i] / sd**2
        w += weight
        wx += weight * x
        wy += weight * y
        wxx += weight * x * x
        wxy += weight * x * y
    if w == 0:
        return 0.0, mean
    steep = wxx - wx * wx / w + 1.0 / spread**2
    slope = (wxy - wx * wy / w) / steep
    slope = min(slope, mean)  # intensities never grow with g beyond the kinematical ones
    return (wy - slope * wx) / w, mean - slope


@kernel
def detection_probability(log_intensity: float, log_threshold: float, sd: float) -> float:
    """Probability that a reflection of this expected intensity stands out from the noise."""
    return 1.0 / (1.0 + np.exp(-1.7 * (log_intensity - log_threshold) / sd))


@kernel
def _sum_of_terms(
    observed: Observed,
    lattice: ZonePattern,
    matched: np.ndarray,
    geometry: np.ndarray,
    missing: np.ndarray,
    kind: int,
    sd: float,
) -> tuple[float, float]:
    """Terms of all peaks and missing reflections, and the part that intensities have in it."""
    squared, law = lattice.squared, lattice.log_intensity[kind]
    offset, fall_off = intensity_trend(observed, matched, squared, law, sd)
    spread = max(observed.trend[2], UNRULED_SD)
    total, intensity, bright = np.zeros(len(DETECTED)), 0.0, 0.0
    for i in range(len(matched)):
        weight, k = observed.weight[i], matched[i]
        worst = UNEXPLAINED * weight
        if k < 0:
            total += worst
            continue
        if law[k] == -np.inf:
            seen = FORBIDDEN + (DOUBLE - FORBIDDEN) * lattice.path[k]
            total += max(worst, weight * (geometry[i] + np.log(seen)))
            continue
        expected = offset + law[k] - fall_off * squared[k]
        seen = detection_probability(expected, observed.log_threshold, sd)
        for d in range(len(DETECTED)):
            found = np.log(max(FORBIDDEN, DETECTED[d] * seen))
            total[d] += max(worst, weight * (geometry[i] + found))
        excess = observed.log_intensity[i] - observed.trend[0]
        null = (excess - observed.trend[1] * abs(observed.position[i]) ** 2) / spread
        here = (observed.log_intensity[i] - expected) / sd
        gain = 0.5 * null**2 + np.log(spread / sd) - 0.5 * here**2
        intensity += weight * min(INTENSITY_CAP, max(-INTENSITY_CAP, gain))
        bright += weight
    for k in missing:
        if law[k] == -np.inf:
            continue
        expected = offset + law[k] - fall_off * squared[k]
        weight = min(1.0, np.exp((expected - observed.log_intensity[0]) / (2 * FADING)))
        seen = detection_probability(expected, observed.log_threshold, sd)
        for d in range(len(DETECTED)):
            total[d] += weight * np.log(1 - max(FORBIDDEN, DETECTED[d] * seen))
    intensity *= min(1.0, INDEPENDENT / max(bright, 1.0))
    most = total.max()
    return most + np.log(np.exp(total - most).mean()) + intensity, intensity


@kernel
def weigh_peaks(
    observed: Observed,
    lattice: ZonePattern,
    matched: np.ndarray,
    geometry: np.ndarray,
    missing: np.ndarray,
) -> tuple[float, float]:
    """Logarithm of the evidence of all peaks, averaged over the kinds of contrast and of disorder.

    Against "all peaks are false"; with it the part that comes from intensities, for the likeliest
    contrast and disorder. ``matched`` is the reflection of each peak, -1 for none, ``geometry`` the
    logarithm of the likelihood of its position, against that of a false one, both of shape (n,),
    and ``missing`` are the reflections within reach that no peak stands on.
    """
    evidence, intensity, best = -np.inf, 0.0, -np.inf
    for kind in range(len(lattice.log_intensity)):
        for sd in INTENSITY_SDS:
            value, part = _sum_of_terms(observed, lattice, matched, geometry, missing, kind, sd)
            if value > best:
                best, intensity = value, part
            evidence = np.logaddexp(evidence, value)
    return evidence - np.log(len(lattice.log_intensity) * len(INTENSITY_SDS)), intensity
