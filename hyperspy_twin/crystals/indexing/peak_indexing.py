"""From peaks to crystal, zone axis, orientation and true scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.core import SHORTEST_SPACING, Crystal, OrientedCrystal, Peaks
from hyperspy_twin.crystals.diffraction import (
    ThinPattern,
    ZonePattern,
    edge_on_twins,
    make_thin_patterns,
    make_twin_patterns,
    make_zone_patterns,
)
from hyperspy_twin.crystals.evidence import (
    THIN,
    TWINNED,
    FoldedPeaks,
    Observed,
    Twinned,
    explain,
    fold_peaks,
    largest_gains,
    projected_gain,
    twin_gains,
    two_directions,
    weigh_thin_crystal,
    weigh_twins,
)
from hyperspy_twin.crystals.indexing.matches import Match, Twin, rank_matches
from hyperspy_twin.crystals.indexing.settings import USUAL, IndexingSettings
from hyperspy_twin.crystals.structures import as_crystal

# Largest true over nominal length of a calibrated image, and the inverse of the smallest: vendor
# files are seen that are 9 % off.
SCALE_LIMIT = 1.15
SHORTEST_STRONG_SPACING = 0.1  # nm; the strong fringes of an image without a scale are wider
RADIUS_STEP = 2.0  # 1/nm; coarse, so that the images of one session share their patterns
# ln(odds): a zone axis so much less likely than another of the same crystal is not kept.
HOPELESS = 15.0
# ln(odds): a zone that upper zones or twins cannot bring so near the best is not weighed with them.
BEHIND = 5.0


def index_peaks(
    peaks: Peaks,
    candidates: Sequence[Any],
    settings: IndexingSettings = USUAL,
    *,
    taken: ArrayLike | None = None,
    seeds: int | None = None,
) -> list[Match]:
    r"""Index peaks by every crystal and zone axis, best explanation first.

    Parameters
    ----------
    peaks
        Peaks in 1/nm (in any unit where there is no calibration), one or both of each Friedel
        pair. Satellites of lattice points stay unexplained.
    candidates
        Crystals; whatever :func:`hyperspy_twin.crystals.as_crystal` takes.
    settings
        How they are indexed.
    taken
        Peaks that another crystal explains, bool, shape (n,); they may be shared.
    seeds
        Number of strong peaks that are sought in pairs; by default up to seven, strong or short.

    Returns
    -------
    list of Match
        The best explanation by each zone axis of each crystal, by falling score; without a pixel
        size those next to the best keep the order of ``candidates``. Empty where the peaks lie
        along one line.

    Raises
    ------
    ValueError
        If the input is not valid or there are no candidates.

    Notes
    -----
    The score is the natural logarithm of the Bayesian evidence against "all peaks are false". It
    sums over the peaks that stand on a reflection :math:`\ln(p\,N(q; T g, \sigma)/\rho)`, with p
    the probability to detect a reflection of this structure factor and :math:`\rho` the density
    of peaks; over the reflections that should have been seen but were not :math:`\ln(1 - p)`,
    which keeps dense reciprocal lattices from explaining everything; for each unexplained peak
    -1.2 times its weight; and the likelihood of ln(intensity) about the kinematical value with a
    smooth fall-off, at most 1.5 per peak and that of five peaks in all, since what makes
    intensities differ from the kinematical ones is alike for many of them. It is averaged over
    electron scattering and atomic-number contrast, three amounts of disorder, and whether strong
    reflections may be lost. Weak peaks at halves or thirds of the reflections may be a
    superlattice. A zone is weighed together with each of its twins in planes that stand edge-on,
    which share its scale and distortion and whose peaks may be streaked along the normal, beside
    the zone alone. Weak peaks and the satellites of strong ones count by their weight only.
    Priors: scale (with long tails, so that an image 9 % off can still win; flat when
    uncalibrated), distortion (1.5 % per component), zone axis (inverse of the length of [uvw] up to
    the next lattice point, one over all zones of a crystal).
    Rotation, scale and distortion are integrated out. A score above 10 is strong; 3 more than a
    rival means odds of 20 to 1.

    References
    ----------
    MacKay, Neural Computation 4 (1992) 415 (evidence and Occam factor).
    """
    crystals = read_candidates(candidates)
    calibrated = settings.calibrated
    folded = fold_plausible_peaks(peaks, calibrated, taken)
    if folded is None or not two_directions(folded.observed.position):
        return []
    observed = folded.observed._replace(seeds=folded.observed.seeds[:seeds])
    if calibrated:
        scales = (1 / SCALE_LIMIT, SCALE_LIMIT)
        radius = float(np.abs(folded.observed.position).max()) * SCALE_LIMIT
    else:
        scales = (folded.typical * SHORTEST_STRONG_SPACING, np.inf)
        radius = 1 / SHORTEST_SPACING
    radius = RADIUS_STEP * np.ceil(radius / RADIUS_STEP)
    results = []
    for crystal in crystals:
        patterns = make_zone_patterns(crystal, settings.max_index, radius, settings.zone_axes)
        for pattern in patterns:
            result = explain(observed, pattern, scales, settings.tolerance, settings.prior)
            if np.isfinite(result[0]):
                results.append(_Explained(crystal, pattern, result, result[0] + pattern.log_prior))
    best = max((one.score for one in results), default=-np.inf)
    gains, needed = largest_gains(observed), best - BEHIND
    for number, one in enumerate(results):
        # Weighed where that could bring a zone near the best; most are settled by this test.
        index = one.result[-1]
        most = one.score + gains[(index[:, 0] == 0) & (index[:, 1] == 0)].sum()
        if most > needed and one.pattern.projected.any():
            one = _with_upper_zones(one, observed, needed, radius, settings)
        if settings.twins and most + np.log(TWINNED) > needed:
            twinned = _with_twin(results[number], observed, needed, radius, settings)
            one = max(one, twinned, key=lambda some: some.score)
        results[number] = one
    highest: dict[str, float] = {}
    for one in results:
        highest[one.crystal.name] = max(one.score, highest.get(one.crystal.name, -np.inf))
    found = [
        _make_match(folded, one)
        for one in results
        if one.score > highest[one.crystal.name] - HOPELESS
    ]
    return rank_matches(found, [crystal.name for crystal in crystals], calibrated=calibrated)


class _Explained(NamedTuple):
    """What :func:`explain` makes of one zone; ``thin`` or ``twin`` where it is one of these."""

    crystal: Crystal
    pattern: ZonePattern
    result: tuple
    score: float
    thin: ThinPattern | None = None
    twin: Twinned | None = None


def _with_twin(
    one: _Explained, observed: Observed, needed: float, radius: float, settings: IndexingSettings
) -> _Explained:
    """Add what a twin explains, where that could make a zone ``needed``."""
    *_, alpha, beta, index = one.result
    found = one.crystal, one.pattern.zone_axis, radius
    laws, normals = edge_on_twins(*found)
    if not laws:
        return one
    gains = twin_gains(observed, one.pattern, normals, alpha, beta, index)
    possible = [row for row, gain in enumerate(gains) if one.score + gain > needed and gain > 0]
    if not possible:
        return one
    patterns = make_twin_patterns(*found)
    gain, twin, result = weigh_twins(
        observed,
        one.pattern,
        [patterns[row] for row in possible],
        len(laws),
        one.result,
        settings.prior,
    )
    return one._replace(result=result, score=one.score + gain, twin=twin)


def _with_upper_zones(
    one: _Explained, observed: Observed, needed: float, radius: float, settings: IndexingSettings
) -> _Explained:
    """Add what upper Laue zones explain, where that could make a zone ``needed``."""
    *_, alpha, beta, index = one.result
    gain = projected_gain(observed, one.pattern.projected, alpha, beta, index)
    if gain < -np.log(THIN) or one.score + gain < needed:
        return one
    patterns = make_thin_patterns(one.crystal, one.pattern.zone_axis, radius)
    gain, thin, result = weigh_thin_crystal(observed, patterns, one.result, settings.prior)
    return one._replace(result=result, score=one.score + gain, thin=thin)


def fold_plausible_peaks(
    peaks: Peaks, calibrated: bool, taken: ArrayLike | None = None
) -> FoldedPeaks | None:
    """Fold Friedel pairs of peaks that lattice planes of a crystal may show."""
    longest = SCALE_LIMIT / SHORTEST_SPACING if calibrated else np.inf
    return fold_peaks(peaks, longest=longest, taken=taken)


def weight_of_peaks(peaks: Peaks, chosen: np.ndarray) -> float:
    """Part of the weight of all peaks of a calibrated image that some have, bool (n,)."""
    folded = fold_plausible_peaks(peaks, True)
    if folded is None:
        return 0.0
    used = np.zeros(len(folded.observed.weight), bool)
    used[folded.member[chosen & (folded.member >= 0)]] = True
    return _weight_of(folded, used)


def read_candidates(candidates: Sequence[Any]) -> list[Crystal]:
    """Crystals of a list of candidates, which must not be empty."""
    if isinstance(candidates, (str, Crystal)):
        raise ValueError("give a list of candidate crystals, e.g. ['Si', 'Ge']")
    crystals = [as_crystal(candidate) for candidate in candidates]
    if not crystals:
        raise ValueError("give at least one candidate crystal")
    return crystals


def _make_match(folded: FoldedPeaks, one: _Explained) -> Match:
    _, intensity, error, alpha, beta, index = one.result
    pattern = one.pattern if one.thin is None else one.thin.pattern
    turned = -1 if alpha.real < 0 else 1
    alpha, beta, index = turned * alpha, turned * beta, turned * index
    turn = alpha / abs(alpha)
    c = beta * turn / abs(alpha)
    rotation = np.array([[turn.real, -turn.imag, 0], [turn.imag, turn.real, 0], [0, 0, 1]])
    own = _describe_peaks(folded, pattern, alpha, beta, index, one.thin)
    twin = None
    if one.twin is not None:
        law, mirrored = one.twin.pattern.law, one.twin.pattern.mirrored
        other = _describe_peaks(folded, mirrored, alpha, beta, turned * one.twin.coordinates)
        parts = (index.any(axis=1), one.twin.coordinates.any(axis=1), one.twin.streaked)
        used: np.ndarray = np.logical_or.reduce(parts)
        twin = Twin(
            law=law,
            **other._asdict(),
            streaked=np.append(one.twin.streaked, False)[folded.member],
            together=_weight_of(folded, used),
        )
    return Match(
        oriented=OrientedCrystal(one.crystal, pattern.zone_axis, rotation @ pattern.frame),
        scale=float(abs(alpha)),
        scale_error=float(error),
        distortion=np.eye(2) + np.array([[c.real, c.imag], [c.imag, -c.real]]),
        **own._asdict(),
        score=float(one.score),
        intensity_score=float(intensity),
        twin=twin,
    )


class _PeakDescription(NamedTuple):
    """What a pattern says of the given peaks, as :class:`Match` has it."""

    hkl: np.ndarray
    forbidden: np.ndarray
    explained: float
    residual: float


def _describe_peaks(
    folded: FoldedPeaks,
    pattern: ZonePattern,
    alpha: complex,
    beta: complex,
    index: np.ndarray,
    thin: ThinPattern | None = None,
) -> _PeakDescription:
    """Describe the given peaks by the coordinates of the folded ones in a pattern."""
    observed = folded.observed
    used: np.ndarray = np.any(index, axis=1)
    g = index[used] @ pattern.basis
    deviation = np.abs(observed.position[used] - (alpha * g + beta * g.conj()))
    hkl = np.zeros((len(folded.member), 3), int)
    forbidden = np.zeros(len(folded.member), bool)
    kept = folded.member >= 0
    reach = len(pattern.number) // 2
    row = pattern.number[tuple(index.T + reach)]
    extinct = used & (pattern.amplitude[row] == 0)
    indices = index @ pattern.plane
    if thin is not None:
        sign = np.where((pattern.coordinates[row] == index).all(axis=1), 1, -1)
        indices = np.where(used[:, None], thin.hkl[row] * sign[:, None], 0)
    forbidden[kept] = extinct[folded.member[kept]]
    hkl[kept] = indices[folded.member[kept]] * folded.sign[kept, None]
    return _PeakDescription(
        hkl=hkl,
        forbidden=forbidden,
        explained=_weight_of(folded, used),
        residual=float(np.sqrt(np.mean((deviation / np.abs(observed.position[used])) ** 2))),
    )


def _weight_of(folded: FoldedPeaks, used: np.ndarray) -> float:
    """Part of the weight of all folded peaks that some of them have."""
    weight = folded.observed.weight
    return float(weight[used].sum() / weight.sum())
