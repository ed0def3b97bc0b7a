"""The checks that every method of segmentation makes of its image and its parameters."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Grid

# Range of an image, as a fraction of its brightness, below which it is constant: the resolution of
# float32.
_CONSTANT = 1e-7


def centred_image(
    image: np.ndarray, grid: Grid, smallest_side: int, needing: str, constant: str
) -> np.ndarray:
    """Image about its mean as float32, once it is fit to be segmented.

    ``needing``, such as ``"edges need"``, says for the message what needs so many pixels on each
    side, and ``constant`` what a constant image means.

    Raises
    ------
    ValueError
        If the image is not on the grid, too small, not finite or constant.
    """
    image = np.asarray(image)
    if image.ndim != 2 or image.shape != tuple(grid.shape):
        raise ValueError(f"image has shape {image.shape} but the grid has {tuple(grid.shape)}")
    if min(image.shape) < smallest_side:
        raise ValueError(
            f"image has shape {image.shape}: {needing} at least {smallest_side} pixels on each "
            "side; take a larger crop"
        )
    if not np.isfinite(image).all():
        raise ValueError("image holds NaN or infinity: fill or crop these pixels first")
    centred = image - np.mean(image, dtype=float)
    if float(np.abs(centred).max()) <= _CONSTANT * float(np.abs(image).max()):
        raise ValueError(f"image is constant: {constant}")
    return centred.astype(np.float32)


def check_positive(**lengths: float | None) -> None:
    """Check that parameters are finite and positive where they are given.

    Raises
    ------
    ValueError
        Naming the first that is not.
    """
    for name, value in lengths.items():
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"{name} must be a positive number, not {value}")
