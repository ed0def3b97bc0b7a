"""Peaks of a spectrum made ready for indexing: Friedel pairs folded, expectations attached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.core import Peaks
from hyperspy_twin.crystals.evidence.hypotheses import FADING, MIN_SINE, Observed

# All of these were set on the tuning half of benchmarks/phases.py.
RELATIVE_ERROR = 0.007  # of a peak's length: what bending and scan distortion leave
SAME_PEAK = 0.006  # of a peak's length: the members of a Friedel pair agree so well
HEAVIEST_SEEDS = 5  # peaks of most weight that pairs are formed of
SHORTEST_SEEDS = 2  # and shortest peaks that are not weak
MINIMUM_WEIGHT = 0.02  # of the weakest peaks, relative to the strongest
SEEN_WEIGHT = 0.15  # weight above which a peak is not weak
SATELLITE_DISTANCE = 0.12  # of a peak's length: a weak peak so close to a strong one is a satellite
SATELLITE_STRENGTH = 0.2  # of the intensity of the strong one, below which a peak is weak
SATELLITE_WEIGHT = 0.2  # factor on the weight of a satellite
TAKEN_WEIGHT = 1e-3  # of a peak that another crystal explains: present, but no evidence
FARTHEST = 3.5  # times the root mean square length; beyond it lie artefacts of the scan
THRESHOLD_FRACTION = 0.1  # of the weight, weakest peaks first, below the detection threshold
REACH_MARGIN = 1.01  # on the length up to which missing reflections count


@dataclass(frozen=True)
class FoldedPeaks:
    """Folded peaks and where each of the given ones went.

    Attributes
    ----------
    observed
        One of each Friedel pair, for the kernels.
    member
        Row of ``observed`` of each given peak, -1 if left out, shape (n,).
    sign
        +1 or -1: the given peak is this times the folded one, shape (n,).
    typical
        Root mean square length weighted by intensity, in 1/nm.
    """

    observed: Observed
    member: np.ndarray
    sign: np.ndarray
    typical: float


def fold_peaks(
    peaks: Peaks, *, longest: float = np.inf, taken: ArrayLike | None = None
) -> FoldedPeaks | None:
    """Fold Friedel pairs, strongest first, and work out what the kernels need; None without any.

    Satellites of lattice points are left out, and peaks beyond the length ``longest`` or beyond 3.5
    times the root mean square length of all: no lattice is seen at that resolution. Peaks ``taken``
    by another crystal, bool, shape (n,), may be shared, but are no evidence. A ValueError tells if
    shapes differ, a value is not finite, or a peak lies at the origin.
    """
    position, sd, power = _check_peaks(peaks)
    sign = np.where((position.real > 0) | ((position.real == 0) & (position.imag > 0)), 1, -1)
    folded = position * sign
    member = np.full(len(position), -1)
    groups: list[list[int]] = []
    own = np.asarray(peaks.satellite) == 0
    kept = _mark_plausible(np.abs(position), power, longest, own)
    for i in np.argsort(-power, kind="stable"):
        if not kept[i]:
            continue
        for number, group in enumerate(groups):
            head = folded[group[0]]
            near = min(abs(folded[i] - head), abs(folded[i] + head))
            if near < max(SAME_PEAK * abs(head), sd[i] + sd[group[0]]):
                sign[i] *= 1 if abs(folded[i] - head) <= abs(folded[i] + head) else -1
                member[i] = number
                group.append(i)
                break
        else:
            member[i] = len(groups)
            groups.append([i])
    if not groups:
        return None
    mean = np.array([np.mean(position[group] * sign[group]) for group in groups])
    deviation = np.array([np.sqrt(np.mean(sd[group] ** 2)) for group in groups])
    strength = np.array([np.mean(power[group]) for group in groups])
    typical = float(np.sqrt(np.average(np.abs(mean) ** 2, weights=strength + 1e-300)))
    free = np.ones(len(groups), bool)
    if taken is not None:
        free = ~np.array([np.asarray(taken, bool)[group].any() for group in groups])
    if not free.any():
        return None
    return FoldedPeaks(_prepare(mean, deviation, strength, free), member, sign, typical)


def _mark_plausible(
    length: np.ndarray, power: np.ndarray, longest: float, own: np.ndarray
) -> np.ndarray:
    kept = own & (length <= longest)
    total = power[kept].sum()
    if total > 0:
        kept &= length <= FARTHEST * np.sqrt(np.sum((power * length**2)[kept]) / total)
    return kept


def two_directions(position: np.ndarray) -> bool:
    """Whether complex peaks lie along more than one line."""
    product = np.abs((position[:, None].conjugate() * position[None]).imag)
    return bool((product > MIN_SINE * np.abs(np.outer(position, position))).any())


def _check_peaks(peaks: Peaks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions as complex numbers, their errors per component, and intensities."""
    xy = np.asarray(peaks.position, float).reshape(-1, 2)
    sd = np.broadcast_to(np.asarray(peaks.error, float), xy.shape)
    power = np.asarray(peaks.intensity, float)
    if power.shape != (len(xy),):
        raise ValueError(f"{len(xy)} peaks need as many intensities, not shape {power.shape}")
    if not (np.isfinite(xy).all() and np.isfinite(sd).all() and np.isfinite(power).all()):
        raise ValueError("peak positions, errors and intensities must be finite numbers")
    if (sd < 0).any() or (power < 0).any():
        raise ValueError("errors and intensities must not be negative")
    if len(xy) and not np.abs(xy).max(axis=1).all():
        raise ValueError("a peak lies at the origin, which is no reflection: remove it")
    return xy[:, 0] + 1j * xy[:, 1], np.sqrt(np.mean(sd**2, axis=1)), power


def _prepare(
    position: np.ndarray, deviation: np.ndarray, strength: np.ndarray, free: np.ndarray
) -> Observed:
    """Work out the expectations for peaks that are sorted by falling strength."""
    length = np.abs(position)
    weakest = strength[0] * 1e-12 or 1.0
    log_intensity = np.log(np.maximum(strength, weakest))
    strongest = log_intensity[free].max()
    weight = np.clip(np.exp((log_intensity - strongest) / FADING), MINIMUM_WEIGHT, 1.0)
    weight[_mark_satellites(position, strength)] *= SATELLITE_WEIGHT
    weight[~free] *= TAKEN_WEIGHT
    ranked = np.sort(length[weight > SEEN_WEIGHT])
    # One lone peak far out says little about how far the spectrum reaches.
    reach = ranked[-2] if len(ranked) >= 6 else ranked[-1]
    order = np.argsort(log_intensity)
    fraction = np.cumsum(weight[order]) / weight.sum()
    return Observed(
        position=position,
        sigma=np.sqrt(deviation**2 + (RELATIVE_ERROR * length) ** 2),
        log_intensity=log_intensity,
        weight=weight,
        seeds=_choose_seeds(length, weight),
        reach=float(reach * REACH_MARGIN),
        log_threshold=float(log_intensity[order][np.searchsorted(fraction, THRESHOLD_FRACTION)]),
        log_density=float(np.log(len(length) / (0.5 * np.pi * length.max() ** 2))),
        trend=_fit_trend(length, log_intensity, weight),
    )


def _mark_satellites(position: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Mark weak peaks close to a strong one: domains, drift and window, not reflections."""
    apart = np.abs(position[:, None] - position)
    apart = np.minimum(apart, np.abs(position[:, None] + position))
    near = apart < SATELLITE_DISTANCE * np.abs(position)[:, None]
    weak = strength[:, None] < SATELLITE_STRENGTH * strength
    return (near & weak).any(axis=1)


def _choose_seeds(length: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Heaviest peaks, and the shortest of those that are not weak."""
    heavy = np.argsort(-weight, kind="stable")
    shortest = [i for i in np.argsort(length, kind="stable") if weight[i] > SEEN_WEIGHT]
    chosen = dict.fromkeys([*heavy[:HEAVIEST_SEEDS].tolist(), *shortest[:SHORTEST_SEEDS]])
    return np.array(list(chosen), np.int64)


def _fit_trend(length: np.ndarray, log_intensity: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Intercept, slope and spread of the logarithmic intensities against squared length."""
    if len(length) < 3:
        return np.array([log_intensity.mean(), 0.0, 0.0])
    design = np.stack([np.ones_like(length), length**2], axis=1)
    root = np.sqrt(weight)
    fitted, *_ = np.linalg.lstsq(design * root[:, None], log_intensity * root, rcond=None)
    deviation = log_intensity - design @ fitted
    spread = np.sqrt(np.sum(weight * deviation**2) / weight.sum())
    return np.array([*fitted, spread])
