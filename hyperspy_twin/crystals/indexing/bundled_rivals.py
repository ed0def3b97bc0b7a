"""The bundled structures as what a region may be if it is none of the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.core import Crystal, Peaks
from hyperspy_twin.crystals import catalogue
from hyperspy_twin.crystals.diffraction import log_zone_weight, usual_zone_axes
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks
from hyperspy_twin.crystals.indexing.settings import IndexingSettings

# Å³; larger cells take long, and their dense patterns are seldom what an image shows.
LARGEST_CELL = 250.0
LARGEST_INDEX = 2  # of the zone axes that are tried, for the sake of time
# Peaks that are sought in pairs: the strongest, since only a good explanation is a rival.
SEEDS = 4


def weigh_bundled_crystals(
    peaks: Peaks, candidates: Sequence[Crystal], settings: IndexingSettings
) -> tuple[float, Match | None]:
    """Logarithm of the evidence for a bundled crystal that is no candidate, and the best of them.

    Averaged over the bundled crystals of moderate cells. Zone axes of the settings and their
    largest index are those of the candidates, and do not count here. Crystals of other elements
    than those of the sample, where they are known, need not be thought of. Twins are left out, for
    the sake of time; those of crystals like a candidate are among what is alike.
    """
    names = tuple(crystal.name for crystal in candidates)
    others = _bundled_crystals(names, frozenset(settings.elements))
    if not others:
        return -np.inf, None
    settings = replace(
        settings, calibrated=True, max_index=LARGEST_INDEX, zone_axes=None, twins=False
    )
    matches = index_peaks(peaks, others, settings, seeds=SEEDS)
    if not matches:
        return -np.inf, None
    matches = [replace(m, score=m.score + _log_fraction(m.crystal)) for m in matches]
    evidence = logsumexp([match.score for match in matches]) - np.log(len(others))
    return float(evidence), max(matches, key=lambda match: match.score)


@cache
def _log_fraction(crystal: Crystal) -> float:
    """Logarithm of the prior probability of the zone axes that are tried among the usual ones."""
    tried, usual = (
        logsumexp([log_zone_weight(crystal, axis) for axis in axes])
        for axes in (usual_zone_axes(crystal, LARGEST_INDEX), usual_zone_axes(crystal))
    )
    return float(tried - usual)


@cache
def _bundled_crystals(names: tuple[str, ...], elements: frozenset[str]) -> tuple[Crystal, ...]:
    """Bundled crystals of moderate cells but those of these names, of some elements if any."""
    known = catalogue.with_elements(elements) if elements else catalogue.names()
    crystals = [catalogue.get(name) for name in known if name not in names]
    return tuple(one for one in crystals if np.linalg.det(one.base) < LARGEST_CELL)
