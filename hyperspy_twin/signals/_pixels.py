"""Bad pixels of the signals that belong to an image."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_twin.core import Grid
from hyperspy_twin.pixels import (
    describe_bad_pixels,
    detect_bad_pixels,
    find_empty_areas,
)
from hyperspy_twin.signals._images import axes_of, check_single, usable_image
from hyperspy_twin.signals._values import PixelMask

_logger = logging.getLogger(__name__)


class ImagePixels:
    """Mixin of the signal types that belong to an image: which of its pixels are bad."""

    @property
    def bad_pixels(self) -> Signal2D:
        """Pixels of the image that hold no measured value, as a boolean image.

        They were left out when the image was segmented. They are found, or set, on the micrograph.
        """
        signal: Any = self
        return as_signal(signal, self._bad_pixels, signal._pixel_grid)

    @bad_pixels.setter
    def bad_pixels(self, mask: Any) -> None:
        raise AttributeError(
            "bad pixels are set on the micrograph: s.bad_pixels = mask, then s.segment() again"
        )

    @property
    def inav(self) -> Any:
        """Slices images of a stack together with their outlines and bad pixels."""
        signal: Any = self
        state = {}
        if signal.axes_manager.navigation_size > 0:
            of_images = {key: signal._state(key) for key in ("outlines", "bad_pixels")}
            count = signal.axes_manager.navigation_size
            state = {
                key: values
                for key, values in of_images.items()
                if isinstance(values, tuple) and (key == "outlines" or len(values) == count)
            }
        if not state:
            return vars(self)["inav"]
        from hyperspy_twin.signals._stacks import StackSlicer

        return StackSlicer(signal, vars(self)["inav"], state)

    @inav.setter
    def inav(self, slicer: Any) -> None:
        # HyperSpy sets its slicer on each signal that it makes, and keeps it when the type changes.
        vars(self)["inav"] = slicer

    @property
    def _pixel_grid(self) -> Grid:
        """Grid of the image."""
        signal: Any = self
        return signal._grid

    @property
    def _bad_pixels(self) -> np.ndarray:
        """Bad pixels, shape (rows, columns) or that of the stack."""
        signal: Any = self
        stacked = signal._state("outlines")
        images = signal.data.shape[:-2] if isinstance(stacked, tuple) else ()
        masks = stored_masks(self)
        shape = (*images, *self._pixel_grid.shape)
        return np.zeros(shape, bool) if masks is None else masks.reshape(shape)

    @property
    def _image(self) -> np.ndarray:
        """Pixels of a single real image, the bad ones filled in; the data are left alone."""
        signal: Any = self
        check_single(signal)
        return usable_image(np.asarray(signal.data), self._bad_pixels)

    def _without_empty(self, labels: np.ndarray) -> np.ndarray:
        """Labels of a single image, 0 where it is empty."""
        bad = self._bad_pixels
        return np.where(find_empty_areas(bad), 0, labels) if bad.any() else labels

    @property
    def _bad_pixels_text(self) -> str:
        """Number of bad pixels in words, empty without any."""
        masks = stored_masks(self)
        return "" if masks is None else describe_bad_pixels(masks)

    def __repr__(self) -> str:
        """As HyperSpy's, with the number of bad pixels where it is known."""
        text = super().__repr__()
        try:
            bad = self._bad_pixels_text
        except ValueError:  # a spectrum that was cropped
            bad = ""
        return f"{text[:-1]}, left out: {bad}>" if bad else text


def stored_masks(signal: Any) -> np.ndarray | None:
    """Masks of the state, shape (images, rows, columns); None where the state has none."""
    masks = signal._state("bad_pixels")
    return None if masks is None else np.stack([one.on(signal._pixel_grid) for one in masks])


def find_bad_pixels(signal: Any) -> np.ndarray:
    """Bad pixels that are set, or else detected, in the shape of the data of a micrograph."""
    shape = signal.data.shape
    masks = stored_masks(signal)
    if masks is None:
        if len(shape) == 2:
            return detect_bad_pixels(np.asarray(signal.data))
        found = signal.map(
            detect_bad_pixels,
            inplace=False,
            lazy_output=False,
            show_progressbar=False,
            output_dtype=np.dtype(bool),
            output_signal_size=shape[-2:],
            silence_warnings=("scales", "units"),
        )
        return np.asarray(found.data)
    if masks.size != np.prod(shape):
        raise ValueError(
            f"s.bad_pixels was set for {len(masks)} images, not for these: set it again, or "
            "s.bad_pixels = None to detect them"
        )
    return masks.reshape(shape) | ~np.isfinite(np.asarray(signal.data))


def as_masks(mask: Any, signal: Any) -> tuple[PixelMask, ...]:
    """Masks for the state of what a person sets.

    Raises
    ------
    ValueError
        If it is not boolean (or 0 and 1), not of the shape of the data, or marks all pixels.
    """
    values = np.asarray(mask.data if isinstance(mask, Signal2D) else mask)
    if hasattr(values, "compute"):
        values = values.compute()
    shape = signal.data.shape
    if values.shape == shape[-2:]:
        values = np.broadcast_to(values, shape)
    if values.shape != shape:
        raise ValueError(f"bad_pixels has shape {values.shape} but the data have {shape}")
    if values.dtype.kind not in "biu" or not np.isin(values, (0, 1)).all():
        raise ValueError("bad_pixels must hold True where a pixel is bad, and False elsewhere")
    images = values.astype(bool).reshape(-1, *shape[-2:])
    if images.all(axis=(1, 2)).any():
        raise ValueError("bad_pixels marks every pixel of an image: mark those that are bad")
    return masks_of(images, signal._pixel_grid)


def masks_of(bad: np.ndarray, grid: Grid) -> tuple[PixelMask, ...]:
    """Masks for the state of bad pixels, shape (..., rows, columns)."""
    return tuple(PixelMask.of(one, grid) for one in bad.reshape(-1, *bad.shape[-2:]))


def say_bad_pixels(bad: np.ndarray) -> dict[str, str]:
    """Say in the log what is left out, and give it for the history."""
    text = describe_bad_pixels(bad)
    if not text:
        return {}
    _logger.warning("left out, see bad_pixels: %s", text)
    return {"bad_pixels": text}


def as_signal(signal: Any, bad: np.ndarray, grid: Grid) -> Signal2D:
    """Boolean image(s) on the axes of the image that a signal belongs to."""
    metadata = {"General": {"title": f"Bad pixels of {signal.metadata.General.title}"}}
    if bad.ndim > 2:
        return Signal2D(bad, axes=signal._axes(), metadata=metadata)
    unit = signal._state("unit") or signal._axes()[-1]["units"]
    return Signal2D(bad, axes=axes_of(grid, unit), metadata=metadata)
