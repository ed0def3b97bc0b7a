"""Strain of series: many images, one reference lattice."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_twin.core import GradientNoise, Grid
from hyperspy_twin.pixels import detect_bad_pixels, find_empty_areas
from hyperspy_twin.signals._images import check_images, grid_of, usable_image
from hyperspy_twin.signals._pixels import stored_masks
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals.strain_map import COMPONENTS, StrainMap
from hyperspy_twin.strain import SeriesAnalysis, analyse_frame

_LOGGER = logging.getLogger(__name__)
# Relative difference of pixel sizes that is rounding.
SAME_SCALE = 1e-4
NO_NOISE = GradientNoise(np.zeros(0, int), np.zeros((0, 2, 2)), np.zeros((0, 2, 2)))


@dataclass(frozen=True, eq=False)
class SeriesMaps:
    """Components of each image of a series.

    Attributes
    ----------
    data
        Shape (..., components, rows, columns), float32; a dask array for a lazy series.
    noise
        Noise of each image; None for a lazy series.
    remarks
        What was found out about some of the images, for the history.
    """

    data: Any
    noise: tuple[GradientNoise, ...] | None
    remarks: dict[str, str]


def check_series(series: Any, grid: Grid, unit: str, recalibrated: bool) -> Signal2D:
    """Check that a signal is a stack of images like the one that was indexed.

    Raises
    ------
    ValueError
        If it is no stack of real images, or its images have another size or other pixels.
    """
    if not isinstance(series, Signal2D) or not series.axes_manager.navigation_dimension:
        raise ValueError(
            "series= takes a stack of images, such as the micrograph from which one frame was "
            "segmented and indexed"
        )
    check_images(series)
    if tuple(series.data.shape[-2:]) != grid.shape:
        raise ValueError(
            f"the images of the series have {series.data.shape[-2:]} pixels, that which was "
            f"indexed {grid.shape}: index a frame of this series"
        )
    scale = _pixel_size(series)
    if scale is None or unit != "nm" or recalibrated:
        return series
    if not np.allclose(scale, grid.scale, rtol=SAME_SCALE):
        raise ValueError(
            f"the pixels of the series are {scale} nm, those of the image that was indexed "
            f"{grid.scale}: index a frame of this series"
        )
    return series


def _pixel_size(series: Signal2D) -> tuple[float, float] | None:
    """Pixel size (x, y) in nm, where a stack has one."""
    from hyperspy_twin.io import to_nanometres

    # The slice shares the data; its axes can be brought to nm without touching these.
    signal = series.isig[:, :]
    if to_nanometres(signal).pixel_size is None:
        return None
    return grid_of([axis.get_axis_dictionary() for axis in signal.axes_manager._axes][-2:]).scale


def measure_series(
    series: Signal2D, analysis: SeriesAnalysis, show_progressbar: bool | None
) -> SeriesMaps:
    """Strain of each image of a stack, one after the other; of a lazy one when it is needed."""
    masks = stored_masks(series) if isinstance(series, TwinSignal) else None
    shape = series.data.shape[:-2]
    if series._lazy:
        ones = (1,) * len(shape)
        images = series.data.rechunk((*ones, *analysis.grid.shape))
        data = images.map_blocks(
            _block,
            analysis=analysis,
            masks=masks,
            shape=shape,
            dtype=np.float32,
            chunks=(*images.chunks[:-2], (len(COMPONENTS),), *images.chunks[-2:]),
            new_axis=len(shape),
            meta=np.empty((0,) * (len(shape) + 3), np.float32),
        )
        return SeriesMaps(data, None, {})
    return _measure_now(series, analysis, masks, show_progressbar)


def _measure_now(
    series: Signal2D,
    analysis: SeriesAnalysis,
    masks: np.ndarray | None,
    show_progressbar: bool | None,
) -> SeriesMaps:
    from hyperspy.api import preferences
    from tqdm.auto import tqdm

    if show_progressbar is None:
        show_progressbar = preferences.General.show_progressbar
    shape = series.data.shape[:-2]
    data = np.empty((*shape, len(COMPONENTS), *analysis.grid.shape), np.float32)
    noise, remarks = [], {}
    frames = tqdm(list(np.ndindex(shape)), desc="Measuring strain", disable=not show_progressbar)
    for index in frames:
        maps, found, remark = _measure(series.data[index], index, shape, analysis, masks)
        data[index] = maps
        noise.append(found)
        if remark:
            remarks[_name(index)] = remark
    if np.isnan(data).all():
        raise ValueError(
            f"no frame of the series shows the lattice: {next(iter(remarks.values()))}"
        )
    return SeriesMaps(data, tuple(noise), remarks)


def _block(
    block: np.ndarray,
    analysis: SeriesAnalysis,
    masks: np.ndarray | None,
    shape: tuple[int, ...],
    block_id: tuple[int, ...] = (),
) -> np.ndarray:
    """Components of a block of one image, by the position of the block."""
    index = block_id[: len(shape)]
    maps, _, _ = _measure(block[(0,) * len(shape)], index, shape, analysis, masks)
    return maps[(None,) * len(shape)]


def _measure(
    frame: np.ndarray,
    index: tuple[int, ...],
    shape: tuple[int, ...],
    analysis: SeriesAnalysis,
    masks: np.ndarray | None,
) -> tuple[np.ndarray, GradientNoise, str]:
    """Components and noise of a frame, and what is to be said of it; NaN where it has no strain."""
    frame = np.asarray(frame)
    if masks is None:
        bad = detect_bad_pixels(frame)
    else:
        bad = masks[np.ravel_multi_index(index, shape) % len(masks)] | ~np.isfinite(frame)
    try:
        image = usable_image(frame, bad)
        found = analyse_frame(image, find_empty_areas(bad), analysis)
    except ValueError as error:
        _LOGGER.warning("%s has no strain: %s", _name(index), error)
        nothing = np.full((len(COMPONENTS), *analysis.grid.shape), np.nan, np.float32)
        return nothing, NO_NOISE, f"no strain: {error}"
    remarks = []
    if found.exceeds(analysis.plan.resolution) and found.drift is not None:
        x, y = found.drift
        remarks.append(
            f"it drifted by about ({x:.2g}, {y:.2g}) against the image that was indexed, more than "
            f"the resolution of {analysis.plan.resolution:.2g}: outlines no longer fit; align the "
            "series first, for example with s.align2D()"
        )
    if found.holes is not None:
        remarks.append(found.holes)
    for remark in remarks:
        _LOGGER.warning("%s: %s", _name(index), remark)
    noise = NO_NOISE if found.field.noise is None or found.holes is not None else found.field.noise
    return StrainMap._maps_of(found.field), noise, "; ".join(remarks)


def _name(index: tuple[int, ...]) -> str:
    """Name of a frame as ``inav`` counts."""
    return f"frame {', '.join(str(one) for one in index[::-1])}"
