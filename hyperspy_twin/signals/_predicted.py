"""Patterns that phases predict, as a plot of a spectrum shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from hyperspy.api import plot

from hyperspy_twin.signals._markers import (
    LABEL_DISTANCE,
    farthest_spot,
    names_by_record,
    spot_names,
    stacked,
)

if TYPE_CHECKING:
    from hyperspy_twin.crystals.indexing.matches import Match
    from hyperspy_twin.crystals.indexing.orientation import Pattern
    from hyperspy_twin.crystals.indexing.records import RegionPhase
    from hyperspy_twin.signals._phases import RegionPhases

COLOURS = ("#ffe119", "#00e5ff", "#ff8cf5", "#b4ff5c")  # of the crystals of one region
LARGEST, LEAST = 13.0, 2.0  # diameters in points; the area goes by the intensity
LABELLED = 0.05  # of the strongest intensity: unseen reflections below it have no label
SEEN = 0.02  # of its length: a spot this close to a reflection has the label already
BEYOND = 1.15  # times the farthest spot
LINE = 0.05  # of the height of the plot


class ShownPattern(NamedTuple):
    """What a plot shows of the phases of one region.

    ``titles`` name the phases with their zone axes; ``matches`` are their explanations, each with
    the scale and distortion to draw it with; ``names`` are the labels of the spots of the region.
    """

    titles: list[str]
    matches: tuple[tuple[Match, float, np.ndarray], ...]
    names: list[str]


def shown_patterns(
    signal: RegionPhases, regions: list[int], phase: str | int | None
) -> list[ShownPattern]:
    """Patterns of the phases of some regions, or of one ranked phase.

    Raises
    ------
    ValueError
        If the phase is not ranked for any of them.
    """
    records = {record.region: record for record in signal.phases}
    found, errors = [], []
    for region in regions:
        shown = ShownPattern(["no phase"], (), [""] * len(signal.peaks(region)))
        try:
            if phase is not None:
                shown = _ranked(signal, region, phase)
            elif region in records:
                shown = _own(records[region])
        except ValueError as error:
            errors.append(str(error))
        found.append(shown)
    if len(errors) == len(regions):
        raise ValueError("; ".join(dict.fromkeys(errors)))
    return found


def predicted_markers(
    patterns: list[ShownPattern], tables: list[np.ndarray], shape: tuple[int, ...]
) -> list[Any]:
    """Markers of the reflections that phases predict, and the names of the phases.

    Parameters
    ----------
    patterns
        Of each region of a stack, or of the one shown.
    tables
        Spots of the same regions, which tell how far to draw.
    shape
        Navigation shape of the stack; empty for one spectrum.
    """
    farthest = farthest_spot(tables, [pattern.names for pattern in patterns])
    if not farthest or not any(pattern.matches for pattern in patterns):
        return []
    drawn = [_reflections(pattern, BEYOND * farthest) for pattern in patterns]
    allowed = [_joined(region, allowed=True) for region in drawn]
    absent = [_joined(region, allowed=False) for region in drawn]
    unseen = [_unseen(region, spots) for region, spots in zip(drawn, tables, strict=True)]
    up = [0, LABEL_DISTANCE * farthest]
    lines = [[[0.02, 0.98 - LINE * n] for n in range(len(one.titles))] for one in patterns]
    markers = [
        plot.markers.Points(
            offsets=stacked([place for place, _, _ in allowed], shape),
            sizes=stacked([diameter for _, diameter, _ in allowed], shape),
            facecolor=stacked([colours for _, _, colours in allowed], shape),
            edgecolor="black",
            linewidth=0.4,
            alpha=0.6,
        ),
        plot.markers.Texts(
            offsets=stacked([place - up for place, _, _ in unseen], shape),
            texts=stacked([names for _, names, _ in unseen], shape),
            color=stacked([colours for _, _, colours in unseen], shape),
            linewidth=0.3,
            sizes=0.8,
            verticalalignment="bottom",
        ),
        plot.markers.Texts(
            offsets=stacked([np.array(places) for places in lines], shape),
            offset_transform="axes",
            texts=stacked([pattern.titles for pattern in patterns], shape),
            color=stacked([_colours(range(len(one.titles))) for one in patterns], shape),
            linewidth=1.0,
            sizes=1.8,
            horizontalalignment="left",
            verticalalignment="top",
        ),
    ]
    if any(len(place) for place, _, _ in absent):
        diamonds = plot.markers.Squares(
            offsets=stacked([place for place, _, _ in absent], shape),
            widths=7,
            angles=45,
            units="points",
            facecolor="none",
            edgecolor=stacked([colours for _, _, colours in absent], shape),
            linewidth=1.0,
        )
        markers.append(diamonds)
    return markers


def _own(record: RegionPhase) -> ShownPattern:
    """Pattern of all crystals that a record holds."""
    from hyperspy_twin.crystals.indexing.records import crystals_of

    crystals = [one for one in crystals_of(record) if one.phase is not None]
    matches = tuple((one.ranking[0], one.scale, one.distortion) for one in crystals)
    return ShownPattern(_titles(matches), matches, names_by_record(record))


def _ranked(signal: RegionPhases, region: int, phase: str | int) -> ShownPattern:
    """Pattern of a ranked phase, as if it had been accepted."""
    decided = signal.accept(region, phase)
    record = next(one for one in decided.phases if one.region == region)
    match = record.ranking[0]
    matches = ((match, match.scale, match.distortion),)
    return ShownPattern(_titles(matches), matches, names_by_record(record))


def _titles(matches: tuple[tuple[Match, float, np.ndarray], ...]) -> list[str]:
    from hyperspy_twin.crystals.diffraction.notation import phase_label

    found = [phase_label(one.crystal, one.zone_axis, "mathtext") for one, *_ in matches]
    return found or ["no phase"]


def _colours(crystals: Iterable[int]) -> list[str]:
    """Colours of crystals of one region by their numbers."""
    return [COLOURS[number % len(COLOURS)] for number in crystals]


def _reflections(shown: ShownPattern, radius: float) -> list[tuple[Pattern, Match]]:
    from hyperspy_twin.crystals.indexing.orientation import predicted_pattern

    return [
        (predicted_pattern(match, radius, scale, distortion), match)
        for match, scale, distortion in shown.matches
    ]


def _joined(
    drawn: list[tuple[Pattern, Match]], *, allowed: bool
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Places, diameters and colours of the reflections of all patterns, allowed or not."""
    places, diameters, owners = [np.zeros((0, 2))], [np.zeros(0)], [np.zeros(0, int)]
    for number, (pattern, _) in enumerate(drawn):
        chosen = (pattern.intensity > 0) == allowed
        places.append(pattern.position[chosen])
        diameters.append(np.maximum(LEAST, LARGEST * np.sqrt(pattern.intensity[chosen])))
        owners.append(np.full(int(chosen.sum()), number))
    colours = _colours(np.concatenate(owners).tolist())
    return np.concatenate(places), np.concatenate(diameters), colours


def _unseen(
    drawn: list[tuple[Pattern, Match]], spots: np.ndarray
) -> tuple[np.ndarray, list[str], list[str]]:
    """List strong reflections that are no spot, one of each pair: places, names and colours."""
    places, names, owners = [np.zeros((0, 2))], [], []
    measured = np.stack([spots["x"], spots["y"]], axis=1)
    measured = np.concatenate([measured, -measured])
    for number, (pattern, match) in enumerate(drawn):
        x, y = pattern.position.T
        kept = (pattern.intensity > LABELLED) & ((x > 0) | ((x == 0) & (y < 0)))
        away = np.linalg.norm(pattern.position[:, None] - measured, axis=2)
        kept &= away.min(axis=1, initial=np.inf) > SEEN * np.hypot(x, y)
        places.append(pattern.position[kept])
        names += spot_names(pattern.hkl[kept], match.crystal)
        owners += [number] * int(kept.sum())
    return np.concatenate(places), names, _colours(owners)
