"""From spots to crystal, zone axis, orientation and true scale."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.diffraction.reflections import primitive_zone_axis
from hyperspy_twin.crystals.diffraction.zone_patterns import ZonePattern, zone_patterns
from hyperspy_twin.crystals.indexing.affine import forward
from hyperspy_twin.crystals.indexing.evidence import ScalePrior, explain
from hyperspy_twin.crystals.indexing.friedel_pairs import FoldedSpots, fold_spots, two_directions
from hyperspy_twin.crystals.indexing.hypotheses import Lattice
from hyperspy_twin.crystals.indexing.matches import Match, ranked
from hyperspy_twin.crystals.structures.conversion import as_crystal

SCALE_LIMIT = 1.15
# As often right to a percent as wrong by several: of nine files of known crystals three are right
# to half a percent, the others wrong by 3 to 8 %.
CALIBRATED = ScalePrior(0.0, 0.04, limit=0.01, doubt=0.5)
UNCALIBRATED = ScalePrior(0.0, np.inf)
FINEST_PERIOD = 0.07  # nm; no lattice image shows finer planes
SHORTEST_STRONG_PERIOD = 0.1  # nm; the strong fringes of an image without a scale are wider
RADIUS_STEP = 2.0  # 1/nm; coarse, so that the images of one session share their patterns
# A zone axis this much less likely than another of the same crystal is not kept.
HOPELESS = 15.0


def index_spots(
    spots: ArrayLike,
    error: ArrayLike,
    intensity: ArrayLike,
    crystals: Sequence[Any],
    *,
    tolerance: float = 0.05,
    calibrated: bool = True,
    max_index: int = 3,
    zone_axes: Sequence[ArrayLike] | None = None,
    scale_prior: ScalePrior | None = None,
    taken: ArrayLike | None = None,
    seeds: int | None = None,
) -> list[Match]:
    r"""Index spots by every crystal and zone axis, best explanation first.

    Parameters
    ----------
    spots
        Reciprocal vectors (x right, y down) in 1/nm, one or both of each Friedel pair,
        shape (n, 2). Any unit where ``calibrated`` is False.
    error
        Standard errors of ``spots``, same shape.
    intensity
        Intensities (squared amplitudes), shape (n,).
    crystals
        Candidates; whatever :func:`hyperspy_twin.crystals.structures.conversion.as_crystal` takes.
    tolerance
        Largest relative distortion of the image that is looked for.
    calibrated
        Whether the pixel size is known. It may still be wrong by 15 %, but that counts against
        an explanation.
    max_index
        Largest index of the zone axes that are tried; a single sheet (a cell with vacuum along c)
        is seen along its normal only.
    zone_axes
        Try these zone axes only.
    scale_prior
        What is known of ln(scale); by default it is as likely to be within 0.01 as to be of a
        Cauchy distribution of half width 0.04, for a calibrated image.
    taken
        Spots that another crystal explains, bool, shape (n,); they may be shared.
    seeds
        Number of strong spots that are sought in pairs; by default up to seven, strong or short.

    Returns
    -------
    list of Match
        The best explanation by each zone axis of each crystal, by falling score; without a pixel
        size those next to the best keep the order of ``crystals``. Empty where the spots lie along
        one line.

    Raises
    ------
    ValueError
        If the input is not valid or there are no candidates.

    Notes
    -----
    The score is the natural logarithm of the Bayesian evidence against "all spots are false". It
    sums over the spots that stand on a reflection :math:`\ln(p\,N(q; T g, \sigma)/\rho)`, with p
    the probability to detect a reflection of this structure factor and :math:`\rho` the density
    of spots; over the reflections that should have been seen but were not :math:`\ln(1 - p)`,
    which keeps dense reciprocal lattices from explaining everything; for each unexplained spot
    -1.2 times its weight; and the likelihood of ln(intensity) about the kinematical value with a
    smooth fall-off, at most 1.5 per spot and that of five spots in all, since what makes
    intensities differ from the kinematical ones is alike for many of them. It is averaged over
    electron scattering and atomic-number contrast, three amounts of disorder, and whether strong
    reflections may be lost. Weak spots at halves or thirds of the reflections may be a
    superlattice. Weak spots and the satellites of strong ones count by their weight only.
    Priors: scale (with long tails, so that an image 9 % off can still win; flat when
    uncalibrated), distortion (1.5 % per component), zone axis (inverse of the length of [uvw] up to
    the next lattice point, one over all zones of a crystal).
    Rotation, scale and distortion are integrated out. A score above 10 is strong; 3 more than a
    rival means odds of 20 to 1.

    References
    ----------
    MacKay, Neural Computation 4 (1992) 415 (evidence and Occam factor).
    """
    candidates = _candidates(crystals)
    if not 0 < tolerance < 0.3:
        raise ValueError(f"tolerance is a relative distortion between 0 and 0.3, not {tolerance}")
    folded = folded_spots((spots, error, intensity), calibrated, taken)
    if folded is None or not two_directions(folded.observed.position):
        return []
    observed = folded.observed._replace(seeds=folded.observed.seeds[:seeds])
    chosen = None if zone_axes is None else tuple(primitive_zone_axis(z) for z in zone_axes)
    prior = scale_prior or (CALIBRATED if calibrated else UNCALIBRATED)
    if calibrated:
        scales = (1 / SCALE_LIMIT, SCALE_LIMIT)
        radius = float(np.abs(folded.observed.position).max()) * SCALE_LIMIT
    else:
        scales = (folded.typical * SHORTEST_STRONG_PERIOD, np.inf)
        radius = 1 / FINEST_PERIOD
    radius = RADIUS_STEP * np.ceil(radius / RADIUS_STEP)
    found: list[Match] = []
    for crystal in candidates:
        results = []
        for pattern, lattice in _lattices(crystal, max_index, radius, chosen):
            result = explain(observed, lattice, scales, tolerance, prior)
            results.append((result[0] + pattern.log_prior, pattern, result))
        best = max((score for score, _, _ in results), default=-np.inf)
        found += [
            _match(folded, crystal, pattern, result)
            for score, pattern, result in results
            if np.isfinite(score) and score > best - HOPELESS
        ]
    return ranked(found, [crystal.name for crystal in candidates], calibrated)


def folded_spots(
    region: tuple[ArrayLike, ArrayLike, ArrayLike],
    calibrated: bool,
    taken: ArrayLike | None = None,
) -> FoldedSpots | None:
    """Spots, errors and intensities as :func:`index_spots` judges them."""
    longest = SCALE_LIMIT / FINEST_PERIOD if calibrated else np.inf
    return fold_spots(*region, longest, taken)


def _candidates(crystals: Sequence[Any]) -> list[Crystal]:
    if isinstance(crystals, (str, Crystal)):
        raise ValueError("give a list of candidate crystals, e.g. ['Si', 'Ge']")
    candidates = [as_crystal(candidate) for candidate in crystals]
    if not candidates:
        raise ValueError("give at least one candidate crystal")
    return candidates


@lru_cache(maxsize=512)
def _lattices(
    crystal: Crystal,
    max_index: int,
    radius: float,
    zone_axes: tuple[tuple[int, int, int], ...] | None,
) -> tuple[tuple[ZonePattern, Lattice], ...]:
    return tuple(
        (
            pattern,
            Lattice(
                basis=pattern.basis,
                vector=pattern.vector,
                length=np.abs(pattern.vector),
                squared=np.abs(pattern.vector) ** 2,
                amplitude=pattern.amplitude,
                log_intensity=pattern.log_intensity,
                path=pattern.path,
                number=pattern.number,
            ),
        )
        for pattern in zone_patterns(crystal, max_index, radius, zone_axes)
    )


def _match(folded: FoldedSpots, crystal: Crystal, pattern: ZonePattern, result: tuple) -> Match:
    evidence, intensity, error, alpha, beta, index = result
    if alpha.real < 0:
        alpha, beta, index = -alpha, -beta, -index
    turn = alpha / abs(alpha)
    c = beta * turn / abs(alpha)
    rotation = np.array([[turn.real, -turn.imag, 0], [turn.imag, turn.real, 0], [0, 0, 1]])
    observed = folded.observed
    used = index.any(axis=1)
    g = index[used] @ pattern.basis
    away = np.abs(observed.position[used] - forward(g, alpha, beta))
    hkl = np.zeros((len(folded.member), 3), int)
    forbidden = np.zeros(len(folded.member), bool)
    kept = folded.member >= 0
    reach = len(pattern.number) // 2
    extinct = used & (pattern.amplitude[pattern.number[tuple(index.T + reach)]] == 0)
    forbidden[kept] = extinct[folded.member[kept]]
    hkl[kept] = (index @ pattern.plane)[folded.member[kept]] * folded.sign[kept, None]
    return Match(
        crystal=crystal,
        zone_axis=pattern.zone_axis,
        orientation=rotation @ pattern.frame,
        scale=float(abs(alpha)),
        scale_error=float(error),
        distortion=np.eye(2) + np.array([[c.real, c.imag], [c.imag, -c.real]]),
        hkl=hkl,
        explained=float(observed.weight[used].sum() / observed.weight.sum()),
        residual=float(np.sqrt(np.mean((away / np.abs(observed.position[used])) ** 2))),
        forbidden=forbidden,
        score=float(evidence + pattern.log_prior),
        intensity_score=float(intensity),
    )
