"""Images as the rooms take them: grids of axes, and pixels that are checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from hyperspy.signals import BaseSignal

from hyperspy_twin.core import Grid, listen_to_steps
from hyperspy_twin.pixels import fill_bad_pixels


def grid_of(axes: list[dict[str, Any]]) -> Grid:
    """Pixel grid of two axis descriptions (y, x).

    Raises
    ------
    ValueError
        If an axis runs backwards, the two were exchanged, or a scale or offset is no number of
        that kind. Micrographs are put right before; what was derived of them cannot be.
    """
    check_orientation(axes)
    return signed_grid(axes)


def signed_grid(axes: list[dict[str, Any]]) -> Grid:
    """Pixel grid of two axis descriptions (y, x), with a negative scale where one runs backwards.

    Raises
    ------
    ValueError
        If a scale is zero or not finite, or an offset is not finite.
    """
    y, x = axes
    for name, axis in zip("xy", (x, y), strict=True):
        if not (math.isfinite(axis["scale"]) and axis["scale"] != 0):
            raise ValueError(
                f"the scale of the {name} axis is {axis['scale']}, which is no pixel size: set it "
                "in s.axes_manager"
            )
        if not math.isfinite(axis["offset"]):
            raise ValueError(
                f"the offset of the {name} axis is {axis['offset']}: set it in s.axes_manager"
            )
    return Grid((y["size"], x["size"]), (x["scale"], y["scale"]), (x["offset"], y["offset"]))


def check_orientation(axes: list[dict[str, Any]]) -> None:
    """Check that two axis descriptions (y, x) were neither mirrored nor exchanged.

    Raises
    ------
    ValueError
        If they were.
    """
    for name, axis in zip("yx", axes, strict=True):
        if axis["scale"] < 0:
            raise ValueError(
                f"the {name} axis runs backwards, its scale is negative ({axis['scale']:.6g}): "
                "the results belong to the image as it was; mirror the micrograph before "
                "s.segment() instead"
            )
    if [axis["name"] for axis in axes] == ["x", "y"]:
        raise ValueError(
            "the x and y axes were exchanged: the results belong to the image as it was; "
            "transpose the micrograph before s.segment() instead"
        )


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


@contextmanager
def show_progress(title: str, show: bool | None) -> Iterator[None]:
    """Show what the rooms compute within the context, from its first moment.

    ``show`` is by default what HyperSpy's preferences say.
    """
    from hyperspy.api import preferences
    from tqdm.auto import tqdm

    if show is None:
        show = preferences.General.show_progressbar
    # How long a step takes is not known before its end: its name is shown, and no fraction.
    with (
        tqdm(desc=title, disable=not show, leave=False, bar_format="{desc} [{elapsed}]") as line,
        listen_to_steps(lambda step: line.set_description_str(f"{title}: {step}")),
    ):
        yield
