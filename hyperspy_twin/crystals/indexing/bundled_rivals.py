"""The bundled structures as what a region may be if it is none of the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.diffraction.zone_axes import log_zone_weight, usual_zone_axes
from hyperspy_twin.crystals.indexing.common_scale import RegionInput
from hyperspy_twin.crystals.indexing.evidence import ScalePrior
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.indexing.peak_indexing import index_spots
from hyperspy_twin.crystals.structures import catalogue

# Å³; larger cells take long, and their dense patterns are seldom what an image shows.
LARGEST_CELL = 250.0
LARGEST_INDEX = 2
# Spots that are sought in pairs: the strongest, since only a good explanation is a rival.
SEEDS = 4


def bundled_evidence(
    region: RegionInput,
    candidates: Sequence[Crystal],
    prior: ScalePrior,
    elements: Sequence[str],
    options: dict[str, Any],
) -> tuple[float, Match | None]:
    """Logarithm of the evidence for a bundled crystal that is not among the candidates.

    Parameters
    ----------
    region
        Spots, errors and intensities.
    candidates
        The candidates.
    prior
        Distribution of ln(scale).
    elements
        Chemical symbols of the sample: others need not be thought of. Empty where not known.
    options
        Further options of :func:`hyperspy_twin.crystals.indexing.peak_indexing.index_spots`; zone axes and
        their largest index are those of the candidates, and do not count here.

    Returns
    -------
    evidence : float
        Averaged over the bundled crystals of moderate cells.
    best : Match or None
        The best of them.
    """
    others = _others(tuple(crystal.name for crystal in candidates), frozenset(elements))
    if not others:
        return -np.inf, None
    tolerance = {name: options[name] for name in ("tolerance",) if name in options}
    matches = index_spots(
        *region, others, scale_prior=prior, max_index=LARGEST_INDEX, seeds=SEEDS, **tolerance
    )
    if not matches:
        return -np.inf, None
    matches = [replace(match, score=match.score + _log_share(match.crystal)) for match in matches]
    evidence = logsumexp([match.score for match in matches]) - np.log(len(others))
    return float(evidence), max(matches, key=lambda match: match.score)


@cache
def _log_share(crystal: Crystal) -> float:
    """Logarithm of the prior probability of the zone axes that are tried among the usual ones."""
    tried, usual = (
        logsumexp([log_zone_weight(crystal, axis) for axis in axes])
        for axes in (usual_zone_axes(crystal, LARGEST_INDEX), usual_zone_axes(crystal))
    )
    return float(tried - usual)


@cache
def _others(names: tuple[str, ...], elements: frozenset[str]) -> tuple[Crystal, ...]:
    """Bundled crystals of moderate cells but those of these names, of some elements if any."""
    known = catalogue.with_elements(elements) if elements else catalogue.names()
    crystals = [catalogue.get(name) for name in known if name not in names]
    return tuple(one for one in crystals if np.linalg.det(one.base) < LARGEST_CELL)
