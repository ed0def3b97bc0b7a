"""Images as the rooms take them: grids of axes, and pixels that are checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from hyperspy.signals import BaseSignal

from hyperspy_twin.core import Grid
from hyperspy_twin.pixels import fill_bad_pixels


def grid_of(axes: list[dict[str, Any]]) -> Grid:
    """Pixel grid of two axis descriptions (y, x)."""
    y, x = axes
    return Grid((y["size"], x["size"]), (x["scale"], y["scale"]), (x["offset"], y["offset"]))


def axes_of(grid: Grid, unit: str) -> list[dict[str, Any]]:
    """Axis descriptions (y, x) of a pixel grid."""
    return [
        {
            "name": name,
            "size": grid.shape[index],
            "scale": grid.scale[1 - index],
            "offset": grid.offset[1 - index],
            "units": unit,
            "navigate": False,
        }
        for index, name in enumerate("yx")
    ]


def check_images(signal: BaseSignal) -> None:
    """Check that a signal holds real images with pixels.

    Raises
    ------
    ValueError
        If it does not.
    """
    if signal.data.dtype.kind not in "buif":
        raise ValueError(
            f"an image of real numbers is needed, not {signal.data.dtype}: "
            "convert it first, for example s.change_dtype('float32') of one colour channel"
        )
    if signal.data.size == 0:
        raise ValueError("the image is empty")


def check_single(signal: BaseSignal) -> None:
    """Check that a signal holds one real image with pixels.

    Raises
    ------
    ValueError
        If it does not.
    """
    if signal.axes_manager.navigation_dimension:
        raise ValueError(
            f"this signal holds a stack of {signal.axes_manager.navigation_size} images: "
            "choose one with s.inav[...], or loop over the stack"
        )
    check_images(signal)


def as_finite(image: np.ndarray) -> np.ndarray:
    """Image as floating-point numbers.

    Raises
    ------
    ValueError
        If it holds values that are not finite.
    """
    image = image if image.dtype == np.float64 else image.astype(np.float32)
    bad = image.size - int(np.count_nonzero(np.isfinite(image)))
    if bad:
        raise ValueError(
            f"{bad} of {image.size} pixels are not finite (NaN or infinite): "
            "crop them away with s.isig[...] or fill them, for example with their neighbours"
        )
    return image


def usable_image(image: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Image as floating-point numbers, with bad pixels filled in.

    Raises
    ------
    ValueError
        If no pixel is finite.
    """
    return as_finite(image if bad.all() else fill_bad_pixels(image, bad))


def show_progress(items: Iterable[Any], show: bool | None, title: str) -> Iterator[Any]:
    """Iterate with a progress bar, shown as HyperSpy's preferences say unless told."""
    from hyperspy.api import preferences
    from tqdm.auto import tqdm

    if show is None:
        show = preferences.General.show_progressbar
    yield from tqdm(items, desc=title, disable=not show, leave=False)
