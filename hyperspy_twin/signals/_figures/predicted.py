"""Patterns that phases predict, drawn over the peaks of a spectrum."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.api import plot

from hyperspy_twin.crystals import predict_pattern
from hyperspy_twin.signals._figures.markers import (
    LABEL_DISTANCE,
    find_farthest_peak,
    name_crystals,
    name_indices,
    name_peaks,
    peak_markers,
    stack_values,
)

if TYPE_CHECKING:
    from hyperspy_twin.core import Peaks
    from hyperspy_twin.crystals import Match, Pattern, RegionPhase

COLOURS = ("#ffe119", "#00e5ff", "#ff8cf5", "#b4ff5c")  # of the crystals of one region
LARGEST = 16.0  # diameter in points of the strongest reflection; the area goes by the intensity
SMALLEST = 5.0  # diameter in points, so that a weak reflection is still seen in its ring
LABELLED = 0.05  # of the strongest intensity: unseen reflections below it have no label
SEEN = 0.02  # of its length: a peak this close to a reflection has the label already
BEYOND = 1.15  # times the farthest peak: how far reflections are drawn
VIEW = 1.3  # times the farthest peak: how much of the spectrum is shown
LINE = 0.05  # of the height of the plot: distance of the names of phases


def spectrum_markers(
    peaks: Sequence[Peaks], records: Sequence[RegionPhase | None], shape: tuple[int, ...]
) -> list[Any]:
    """Markers of peaks with their indices, of predicted reflections, and the names of phases.

    Parameters
    ----------
    peaks
        Of each region of a stack, or of the one shown.
    records
        Of the same regions.
    shape
        Navigation shape of the stack; empty for one spectrum.
    """
    names = [name_peaks(*pair) for pair in zip(peaks, records, strict=True)]
    matches = [_matches(record) for record in records]
    regions = [one.region for one in peaks]
    markers, titles = peak_markers(peaks, names, shape), _titles(regions, records, shape)
    farthest = find_farthest_peak(peaks, names)
    if not farthest or not any(matches):
        return [*markers, titles]
    drawn = [
        [(predict_pattern(m.oriented, BEYOND * farthest, **scale), m) for m, scale in one]
        for one in matches
    ]
    allowed = [_join_patterns(region, allowed=True) for region in drawn]
    absent = [_join_patterns(region, allowed=False) for region in drawn]
    unseen = [_find_unseen(region, own) for region, own in zip(drawn, peaks, strict=True)]
    up = [0, LABEL_DISTANCE * farthest]
    markers += [
        plot.markers.Points(
            offsets=stack_values([position for position, _, _ in allowed], shape),
            sizes=stack_values([diameter for _, diameter, _ in allowed], shape),
            facecolor="none",
            edgecolor=stack_values([colours for _, _, colours in allowed], shape),
            linewidth=0.8,
        ),
        plot.markers.Texts(
            offsets=stack_values([position - up for position, _, _ in unseen], shape),
            texts=stack_values([names for _, names, _ in unseen], shape),
            color=stack_values([colours for _, _, colours in unseen], shape),
            linewidth=0.3,
            sizes=0.8,
            verticalalignment="bottom",
        ),
        titles,
    ]
    if any(len(position) for position, _, _ in absent):
        diamonds = plot.markers.Squares(
            offsets=stack_values([position for position, _, _ in absent], shape),
            widths=7,
            angles=45,
            units="points",
            facecolor="none",
            edgecolor=stack_values([colours for _, _, colours in absent], shape),
            linewidth=1.0,
        )
        markers.append(diamonds)
    return markers


def limit_view(
    peaks: Sequence[Peaks],
    records: Sequence[RegionPhase | None],
    corner: tuple[float, float],
) -> dict[str, tuple[float, float]]:
    """Limits of a plot that hold the peaks, none where there are none.

    Parameters
    ----------
    peaks, records
        As for :func:`spectrum_markers`.
    corner
        Largest frequencies (x, y) of the spectrum.
    """
    names = [name_peaks(*pair) for pair in zip(peaks, records, strict=True)]
    reach = min(VIEW * find_farthest_peak(peaks, names), *corner)
    return {"xlim": (-reach, reach), "ylim": (reach, -reach)} if reach > 0 else {}


def _matches(record: RegionPhase | None) -> list[tuple[Match, dict[str, Any]]]:
    """Explanations of the crystals of a region, and the scale and distortion to draw them with."""
    return [
        (one.match, {"scale": one.scale, "distortion": one.distortion})
        for one in (record.crystals if record is not None else ())
        if one.match is not None
    ]


def _titles(regions: Sequence[int], records: Sequence[RegionPhase | None], shape: tuple) -> Any:
    """Name each region and its phases in the corner of the plot."""
    texts = [
        [f"region {region}", *name_crystals(record)]
        for region, record in zip(regions, records, strict=True)
    ]
    colours = [["white", *_colours(range(len(one) - 1))] for one in texts]
    lines = [np.array([[0.02, 0.98 - LINE * n] for n in range(len(one))]) for one in texts]
    return plot.markers.Texts(
        offsets=stack_values(lines, shape),
        offset_transform="axes",
        texts=stack_values(texts, shape),
        color=stack_values(colours, shape),
        linewidth=1.0,
        sizes=1.8,
        horizontalalignment="left",
        verticalalignment="top",
    )


def _colours(crystals: Iterable[int]) -> list[str]:
    """Colours of crystals of one region by their numbers."""
    return [COLOURS[number % len(COLOURS)] for number in crystals]


def _join_patterns(
    drawn: list[tuple[Pattern, Match]], *, allowed: bool
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Positions, diameters and colours of the reflections of all patterns, allowed or not."""
    positions, diameters, owners = [np.zeros((0, 2))], [np.zeros(0)], [np.zeros(0, int)]
    for number, (pattern, _) in enumerate(drawn):
        chosen = (pattern.intensity > 0) == allowed
        positions.append(pattern.position[chosen])
        diameters.append(np.maximum(SMALLEST, LARGEST * np.sqrt(pattern.intensity[chosen])))
        owners.append(np.full(int(chosen.sum()), number))
    colours = _colours(np.concatenate(owners).tolist())
    return np.concatenate(positions), np.concatenate(diameters), colours


def _find_unseen(
    drawn: list[tuple[Pattern, Match]], peaks: Peaks
) -> tuple[np.ndarray, list[str], list[str]]:
    """List strong reflections that are no peak, one of each pair: positions, names and colours."""
    positions, names, owners = [np.zeros((0, 2))], [], []
    measured = np.concatenate([peaks.position, -peaks.position])
    for number, (pattern, match) in enumerate(drawn):
        x, y = pattern.position.T
        kept = (pattern.intensity > LABELLED) & ((x > 0) | ((x == 0) & (y < 0)))
        distance = np.linalg.norm(pattern.position[:, None] - measured, axis=2)
        kept &= distance.min(axis=1, initial=np.inf) > SEEN * np.hypot(x, y)
        positions.append(pattern.position[kept])
        names += name_indices(pattern.hkl[kept], match.crystal)
        owners += [number] * int(kept.sum())
    return np.concatenate(positions), names, _colours(owners)
