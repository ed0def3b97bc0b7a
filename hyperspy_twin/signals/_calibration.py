"""Pixel size of an image by its crystals, and the state of its spectrum with that pixel size."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.crystals.indexing.records import crystals_of
from hyperspy_twin.crystals.relations.calibration import (
    LatticeCalibration,
    Pair,
    calibrate,
    measure_stretch,
    rescaled_distortion,
    rescaled_match,
)
from hyperspy_twin.io.calibration import calibration_of

if TYPE_CHECKING:
    from hyperspy_twin.crystals.indexing.records import RegionPhase
    from hyperspy_twin.signals._crystals import RegionCrystals

SAME_SCALE = 0.005  # relative; ties that differ less give the same pixel size
ALONG = {"x": 0, "error_x": 0, "y": 1, "error_y": 1}
ROUND = ("width", "width_error")  # columns of spots without a direction
RADIAL = ("radius", "error", "width")  # columns of rings and halos that are lengths


def calibration_of_regions(signal: RegionCrystals) -> LatticeCalibration:
    """Pixel size on which the indexed regions of a spectrum agree.

    Raises
    ------
    ValueError
        If no region is indexed, or all of them are tied with phases of another scale.
    """
    records = [record for record in signal.phases if record.phase is not None]
    if not records:
        raise ValueError(
            "no region is indexed: call index_phases(...) with a phase that is in the image"
        )
    clear = [record for record in records if not _scale_is_open(record)]
    if not clear:
        ties = "; ".join(
            f"region {record.region}: {' = '.join((str(record.phase), *record.ties))}"
            for record in records
        )
        raise ValueError(
            f"phases are tied, which leaves the pixel size open ({ties}): choose one with "
            "accept(region, phase), or index_phases(...) with fewer candidates"
        )
    crystals = [one for record in clear for one in crystals_of(record)]
    stretches = [
        measure_stretch(one.ranking[0], *signal._indexed_spots(one.region, one.hkl))
        for one in crystals
    ]
    regions = dict.fromkeys(one.region for one in crystals)
    return calibrate(stretches, list(regions), signal._image_grid().scale, "nm")


def calibrated_state(
    signal: RegionCrystals, calibration: LatticeCalibration
) -> tuple[Grid, dict[str, Any]]:
    """Grid of the image and state of its spectrum with the corrected pixel size."""
    grid = signal._image_grid()
    (x, y), (old_x, old_y) = calibration.pixel_size, grid.scale
    factors = x / old_x, y / old_y
    offset = (grid.offset[0] * factors[0], grid.offset[1] * factors[1])
    grid = Grid(grid.shape, calibration.pixel_size, offset)
    outlines = dict(signal._twin("outlines"))
    outlines["vertices"] = np.asarray(outlines["vertices"], float) * factors
    source = f"the crystals of region {', '.join(map(str, calibration.regions))}"
    return grid, {
        "unit": "nm",
        "calibration": calibration_of(calibration.pixel_size, source).to_json(),
        "outlines": outlines,
        "image_grid": {name: list(getattr(grid, name)) for name in ("shape", "scale", "offset")},
        "peaks": _rescaled_peaks(signal._twin("peaks"), factors),
        "region_states": [json.dumps(_rescaled_state(s, factors)) for s in signal._states()],
        "phases": [_rescaled_record(record, factors).to_json() for record in signal.phases],
    }


def _scale_is_open(record: RegionPhase) -> bool:
    """Whether a tie of a record asks for another scale; one by another zone axis may."""
    best = record.ranking[0]
    scales = {match.phase: match.scale for match in record.ranking}
    return any(
        tie not in scales or abs(np.log(scales[tie] / best.scale)) > SAME_SCALE
        for tie in record.ties
    )


def _rescaled_peaks(stored: dict[str, Any], factors: Pair) -> dict[str, Any]:
    values = np.array(stored["values"], float).reshape(-1, len(stored["columns"]))
    for column, name in enumerate(stored["columns"]):
        if name in ALONG:
            values[:, column] /= factors[ALONG[name]]
        elif name in ROUND:
            values[:, column] /= _mean(factors)
    return {"columns": list(stored["columns"]), "values": values}


def _rescaled_state(state: dict[str, Any], factors: Pair) -> dict[str, Any]:
    """State of a region whose rings have their radii in the new unit."""
    changed = dict(state)
    for part in ("halo", "rings"):
        changed[part] = {
            name: (np.array(values) / _mean(factors)).tolist() if name in RADIAL else values
            for name, values in state[part].items()
        }
    return changed


def _rescaled_record(record: RegionPhase, factors: Pair) -> RegionPhase:
    ranking = tuple(rescaled_match(match, factors) for match in record.ranking)
    further = tuple(_rescaled_record(one, factors) for one in record.further)
    record = replace(record, ranking=ranking, further=further)
    if record.phase is None:
        return record
    scale, distortion = rescaled_distortion(record.scale, record.distortion, factors)
    return replace(record, scale=scale, distortion=distortion, orientation=ranking[0].orientation)


def _mean(factors: Pair) -> float:
    return float(np.sqrt(factors[0] * factors[1]))
