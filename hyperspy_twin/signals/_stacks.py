"""Outlines of a stack of images: kept flat, and sliced together with the images."""

from __future__ import annotations

from typing import Any

import numpy as np
from hyperspy.signals import BaseSignal, Signal2D

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.core.outlines import Outlines, trace
from hyperspy_twin.segmentation.methods import segment_image
from hyperspy_twin.signals._state import as_finite, outlines_state


def segment_stack(
    signal: Signal2D,
    grid: Grid,
    method: str,
    options: dict[str, Any],
    show_progressbar: bool | None,
) -> dict[str, np.ndarray]:
    """Segment each image of a stack; outlines as metadata holds them."""
    rings = signal.map(
        _rings_of_image,
        grid=grid,
        method=method,
        options=options,
        inplace=False,
        ragged=True,
        lazy_output=False,
        show_progressbar=show_progressbar,
        silence_warnings=("scales", "units"),
    )
    return stack_state([_from_rings(table) for table in rings.data.ravel()])


def _rings_of_image(
    image: np.ndarray, grid: Grid, method: str, options: dict[str, Any]
) -> np.ndarray:
    """Vertices of the outlines of one image with ring and region, shape (n, 4)."""
    found, _ = segment_image(as_finite(np.asarray(image)), grid, method, options)
    outlines = trace(found.labels, grid)
    ring = np.repeat(np.arange(len(outlines.ring_region)), np.diff(outlines.ring_start))
    return np.column_stack([outlines.vertices, ring, outlines.ring_region[ring]])


def _from_rings(table: np.ndarray) -> Outlines:
    start = np.flatnonzero(np.diff(table[:, 2], prepend=-1, append=-1))
    return Outlines(table[:, :2], start, table[start[:-1], 3].astype(np.int32))


def stack_state(images: list[Outlines]) -> dict[str, np.ndarray]:
    """Outlines of all images as metadata holds them, with the image of each ring."""
    vertices = np.concatenate([np.zeros((0, 2)), *(outlines.vertices for outlines in images)])
    lengths = [np.diff(outlines.ring_start) for outlines in images]
    region = np.concatenate([np.zeros(0, np.int32), *(one.ring_region for one in images)])
    start = np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, int), *lengths]))])
    return {
        **outlines_state(Outlines(vertices, start, region)),
        "ring_image": np.repeat(np.arange(len(images)), [len(length) for length in lengths]),
        "images": np.array([len(images)]),
    }


def outlines_of(state: dict[str, np.ndarray], image: int) -> Outlines:
    """Outlines of one image of a stack."""
    start = np.asarray(state["ring_start"])
    rings = np.flatnonzero(np.asarray(state["ring_image"]) == image)
    vertices = np.asarray(state["vertices"])
    return Outlines.from_rings(
        [vertices[start[k] : start[k + 1]] for k in rings],
        np.asarray(state["ring_region"])[rings].tolist(),
    )


class StackSlicer:
    """Slices images of a stack together with their outlines; stands in for ``inav``."""

    def __init__(self, signal: BaseSignal, slicer: Any, state: dict[str, np.ndarray]) -> None:
        self._signal = signal
        self._slicer = slicer
        self._state = state

    def __getitem__(self, slices: Any) -> Any:
        """Images at these positions, with their outlines."""
        result = self._slicer[slices]
        shape = self._signal.axes_manager.navigation_shape[::-1]
        axes = [axis.get_axis_dictionary() for axis in self._signal.axes_manager.navigation_axes]
        position = BaseSignal(np.arange(int(np.prod(shape))).reshape(shape), axes=axes[::-1])
        chosen = np.ravel(position.inav[slices].data)
        images = [outlines_of(self._state, int(index)) for index in chosen]
        single = result.axes_manager.navigation_dimension == 0
        state = outlines_state(images[0]) if single else stack_state(images)
        del result.metadata.Twin.outlines
        for key, value in state.items():
            result.metadata.set_item(f"Twin.outlines.{key}", value)
        return result
