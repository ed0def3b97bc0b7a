"""The methods of segmentation behind one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.auto import segment_auto
from hyperspy_twin.segmentation.edges import segment_edges
from hyperspy_twin.segmentation.result import Segmentation
from hyperspy_twin.segmentation.segment_anything import segment_sam
from hyperspy_twin.segmentation.texture import segment_texture

# Options that each method takes.
OPTIONS = {
    "auto": ("min_area",),
    "edges": ("smoothing", "min_area"),
    "texture": ("smoothing", "min_area"),
    "sam": ("min_area", "model", "checkpoint", "points_per_side"),
}


def check_options(method: str, options: dict[str, Any]) -> None:
    """Check that a method is known and takes the options.

    Parameters
    ----------
    method
        ``"auto"``, ``"edges"``, ``"texture"`` or ``"sam"``.
    options
        Its options.

    Raises
    ------
    ValueError
        If it is not, or does not.
    """
    if method not in OPTIONS:
        raise ValueError(f"there is no method {method!r}: choose one of {', '.join(OPTIONS)}")
    for name in options:
        if name not in OPTIONS[method]:
            owners = [other for other, names in OPTIONS.items() if name in names]
            raise ValueError(
                f"the method {method!r} takes no {name}; "
                + (f"it belongs to {' and '.join(owners)}" if owners else "it is no option")
            )


def segment_image(
    image: np.ndarray, grid: Grid, *, method: str, options: dict[str, Any]
) -> tuple[Segmentation, dict[str, Any]]:
    """Segment an image by one of the methods.

    Parameters
    ----------
    image
        Finite image, shape (rows, columns).
    grid
        Its grid.
    method
        ``"auto"``, ``"edges"``, ``"texture"`` or ``"sam"``.
    options
        Options of the method.

    Returns
    -------
    segmentation : Segmentation
        The regions.
    outcome : dict
        Method that was chosen, why (for ``"auto"``), and the smoothing length.

    Raises
    ------
    ValueError
        If the method or an option is unknown, or the image cannot be segmented.
    ImportError
        If the method needs a package that is not installed.
    """
    check_options(method, options)
    others: dict[str, Callable[..., Segmentation]]
    others = {"edges": segment_edges, "texture": segment_texture, "sam": segment_sam}
    if method in others:
        found, outcome = others[method](image, grid, **options), {"method": method}
    else:
        found, report = segment_auto(image, grid, **options)
        outcome = {"method": report.method, "reason": report.reason}
    return found, {**outcome, "smoothing": float(found.smoothing)}
