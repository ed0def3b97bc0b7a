"""The check that every method of segmentation makes of its image."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core.grid import Grid


def centred_image(
    image: np.ndarray, grid: Grid, least: int, needing: str, constant: str
) -> np.ndarray:
    """Image about its mean as float32, once it is fit to be segmented.

    Parameters
    ----------
    image
        Shape (rows, columns).
    grid
        Its grid.
    least
        Smallest side in pixels.
    needing
        What needs that many, such as ``"edges need"``, for the message.
    constant
        What a constant image means, for the message.

    Raises
    ------
    ValueError
        If the image is not on the grid, too small, not finite or constant.
    """
    image = np.asarray(image)
    if image.ndim != 2 or image.shape != tuple(grid.shape):
        raise ValueError(f"image has shape {image.shape} but the grid has {tuple(grid.shape)}")
    if min(image.shape) < least:
        raise ValueError(
            f"image has shape {image.shape}: {needing} at least {least} pixels on each side; "
            "take a larger crop"
        )
    if not np.isfinite(image).all():
        raise ValueError("image holds NaN or infinity: fill or crop these pixels first")
    centred = image - np.mean(image, dtype=float)
    if float(np.abs(centred).max()) <= 1e-7 * float(np.abs(image).max()):
        raise ValueError(f"image is constant: {constant}")
    return centred.astype(np.float32)
