"""Spots and states of regions as metadata hold them, and their correction by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.signals._state import table

if TYPE_CHECKING:
    from hyperspy_twin.core.grid import Grid
    from hyperspy_twin.crystals.indexing.records import RegionPhase
    from hyperspy_twin.spectra.detection.cfar import Spots
    from hyperspy_twin.spectra.region import RegionSpots

COLUMNS = (
    "region",
    "x",
    "y",
    "error_x",
    "error_y",
    "intensity",
    "snr",
    "probability",
    "width",
    "width_error",
    "harmonic",
    "lattice",
    "satellite",
)
WHOLE_NUMBERS = {"region": int, "harmonic": bool, "lattice": int, "satellite": int}


def peaks_state(found: dict[int, RegionSpots]) -> dict[str, Any]:
    """Spots and states of regions as metadata hold them."""
    values = [_rows(region, one) for region, one in found.items()]
    return {
        "peaks": {"columns": list(COLUMNS), "values": np.concatenate(values)},
        "region_states": [json.dumps(_state(region, one)) for region, one in found.items()],
    }


def _rows(region: int, found: RegionSpots) -> np.ndarray:
    spots = asdict(found.spots)
    spots["region"] = np.full(len(found.spots), region)
    spots["lattice"], spots["satellite"] = found.lattice, found.satellite
    spots["x"], spots["y"] = found.spots.position.T
    spots["error_x"], spots["error_y"] = found.spots.error.T
    return np.stack([spots[name] for name in COLUMNS], axis=1).astype(float)


def _state(region: int, found: RegionSpots) -> dict[str, Any]:
    return {
        "region": region,
        "state": found.state,
        "reason": found.reason,
        "probability": found.probability,
        "halo": {name: values.tolist() for name, values in asdict(found.halo).items()},
        "rings": {name: values.tolist() for name, values in asdict(found.rings).items()},
    }


def peaks_table(stored: dict[str, Any]) -> np.ndarray:
    """Table of spots, from metadata."""
    names = list(stored["columns"])
    values = np.asarray(stored["values"]).reshape(-1, len(names))
    return table(
        {name: column.astype(WHOLE_NUMBERS.get(name, float)) for name, column in
         zip(names, values.T, strict=True)}
    )  # fmt: skip


def with_indices(peaks: np.ndarray, records: Sequence[RegionPhase]) -> np.ndarray:
    """Table of spots with the crystal that explains each, its indices and whether it is allowed.

    A spot that several crystals share is that of the first of them.
    """
    from hyperspy_twin.crystals.indexing.records import crystals_of

    columns = {name: peaks[name] for name in peaks.dtype.names or ()}
    hkl = np.zeros((len(peaks), 3), int)
    crystal, forbidden = np.zeros(len(peaks), int), np.zeros(len(peaks), bool)
    for record in records:
        rows = np.flatnonzero(peaks["region"] == record.region)
        for number, one in enumerate(crystals_of(record), 1):
            free = (crystal[rows] == 0) & one.hkl.any(axis=1)
            hkl[rows[free]] = one.hkl[free]
            crystal[rows[free]] = number
            forbidden[rows[free]] = one.forbidden[free]
    columns |= dict(zip("hkl", hkl.T, strict=True))
    return table({**columns, "crystal": crystal, "forbidden": forbidden})


def states_table(states: list[dict[str, Any]], peaks: np.ndarray) -> np.ndarray:
    """Table of the regions: what they are, how sure that is, spots, crystals and halo."""
    own = [peaks[peaks["region"] == state["region"]] for state in states]
    halos = [state["halo"] for state in states]
    return table(
        {
            "region": np.array([state["region"] for state in states]),
            "state": np.array([state["state"] for state in states]),
            "probability": np.array(
                [state["probability"].get(state["state"], np.nan) for state in states]
            ),
            "spots": np.array([len(spots) for spots in own]),
            "lattices": np.array([spots["lattice"].max(initial=0) for spots in own]),
            **{
                f"halo_{name}": np.array([(halo[name] or [np.nan])[0] for halo in halos])
                for name in ("radius", "error", "width")
            },
        }
    )


def edited_peaks(
    image: np.ndarray,
    grid: Grid,
    mask: np.ndarray,
    region: int,
    stored: dict[str, Any],
    states: list[dict[str, Any]],
    add: Sequence[Sequence[float]],
    remove: Sequence[Sequence[float]],
) -> dict[str, Any]:
    """Spots and states, as metadata hold them, after a correction of one region."""
    from hyperspy_twin.spectra.editing import reach_of, with_spots_at, without
    from hyperspy_twin.spectra.region import judge
    from hyperspy_twin.spectra.transform import windowed_region

    peaks = peaks_table(stored)
    spots = _spots(peaks[peaks["region"] == region])
    windowed = windowed_region(image, grid, mask)
    spots = without(spots, _nearest(spots.position, remove, reach_of(windowed)))
    if len(add):
        spots = with_spots_at(windowed, spots, np.asarray(add, float))
    found = judge(windowed, spots, spots.probability)
    values = np.asarray(stored["values"]).reshape(-1, len(stored["columns"]))
    others = values[values[:, 0] != region]
    texts = [_state(region, found) if state["region"] == region else state for state in states]
    return {
        "peaks": {
            "columns": list(COLUMNS),
            "values": np.concatenate([others, _rows(region, found)]),
        },
        "region_states": [json.dumps(text) for text in texts],
    }


def _spots(peaks: np.ndarray) -> Spots:
    from hyperspy_twin.spectra.detection.cfar import Spots

    pairs = {
        name: np.stack([peaks[x], peaks[y]], axis=1)
        for name, x, y in (("position", "x", "y"), ("error", "error_x", "error_y"))
    }
    single = ("intensity", "snr", "probability", "width", "width_error", "harmonic")
    return Spots(**pairs, **{name: peaks[name] for name in single})


def _nearest(position: np.ndarray, points: Sequence[Sequence[float]], reach: float) -> np.ndarray:
    """Find the spots nearest to points (x, y) on either side of zero."""
    chosen = []
    for point in np.asarray(points, float).reshape(-1, 2):
        away = np.minimum(*(np.hypot(*(position - sign * point).T) for sign in (1, -1)))
        if not len(away) or away.min() > reach:
            raise ValueError(f"there is no spot within {reach:.3g} of {tuple(point.tolist())}")
        chosen.append(int(away.argmin()))
    return np.array(chosen, int)
