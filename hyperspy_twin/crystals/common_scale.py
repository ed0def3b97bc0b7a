"""One pixel size for all regions of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.crystals.evidence import log_scale_density
from hyperspy_twin.crystals.indexing import CALIBRATED, Match, index_spots

REGION_SPREAD = 0.008  # relative spread of lattice spacings that strain leaves between regions

RegionInput = tuple[ArrayLike, ArrayLike, ArrayLike]


def searched_again(
    found: list[list[Match]],
    regions: Sequence[RegionInput],
    candidates: list[Any],
    prior: tuple[float, float],
    options: dict[str, Any],
) -> list[list[Match]]:
    """Add what each region looks like at the scale that all of them suggest.

    Without a pixel size the search of a single region may keep a wrong scale of the right zone.

    Parameters
    ----------
    found
        Matches of each region.
    regions
        Spots, errors and intensities of each region.
    candidates
        The crystals.
    prior
        Centre and half width of the distribution of ln(scale) behind the scores in ``found``.
    options
        Further options of :func:`hyperspy_twin.crystals.indexing.index_spots`.

    Returns
    -------
    list of list of Match
        The given matches and the new ones, scored alike.
    """
    centres = _centres(found)
    if not len(centres):
        return found
    scale = float(np.exp(centres[np.argmax(_profile(found, centres, prior)[0])]))
    extended = []
    for matches, (spots, error, intensity) in zip(found, regions, strict=True):
        scaled = np.asarray(spots, float) / scale, np.asarray(error, float) / scale
        again = index_spots(*scaled, intensity, candidates, **options)
        extended.append(
            matches
            + [
                replace(
                    match,
                    scale=match.scale * scale,
                    score=match.score
                    - log_scale_density(np.log(match.scale), CALIBRATED)
                    + log_scale_density(np.log(match.scale * scale), prior),
                )
                for match in again
            ]
        )
    return extended


def _centres(found: list[list[Match]]) -> np.ndarray:
    """Logarithms of the scales that any plausible explanation implies."""
    values = [np.log(match.scale) for matches in found for match in matches if match.score > 0]
    return np.unique(np.round(values, 3))


def _profile(
    found: list[list[Match]], centres: np.ndarray, prior: tuple[float, float]
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Evidence of all regions for each common scale, of each region, and of each match."""
    single: list[np.ndarray] = []
    for matches in found:
        table = np.empty((len(matches), len(centres)))
        for row, match in zip(table, matches, strict=True):
            value = np.log(match.scale)
            free = match.score - log_scale_density(value, prior)
            away = (value - centres) / REGION_SPREAD
            row[:] = free - np.log(np.pi * REGION_SPREAD * (1 + away**2))
        single.append(table)
    best = [table.max(axis=0, initial=0.0) for table in single]
    total = np.array([log_scale_density(c, prior) for c in centres]) + sum(best)
    return total, best, single


def score_jointly(found: list[list[Match]], prior: tuple[float, float]) -> list[list[Match]]:
    """Score every match together with the best that it leaves for the other regions.

    Parameters
    ----------
    found
        Matches of each region.
    prior
        Centre and half width of the distribution of ln(scale) behind their scores.

    Returns
    -------
    list of list of Match
        The same matches. A scale that only one region asks for costs it what the others lose.
    """
    centres = _centres(found)
    if not len(centres):
        return found
    total, best, single = _profile(found, centres, prior)
    result = []
    for matches, own, table in zip(found, best, single, strict=True):
        others = total - own
        result.append(
            [
                replace(match, score=float((others + row).max() - others.max()))
                for match, row in zip(matches, table, strict=True)
            ]
        )
    return result
