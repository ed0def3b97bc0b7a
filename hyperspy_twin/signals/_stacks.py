"""Stacks of images: segmented one by one, and sliced together with their outlines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hyperspy.signals import BaseSignal, Signal2D

from hyperspy_twin.core import GradientNoise, Grid, Outlines, trace
from hyperspy_twin.segmentation import segment_image
from hyperspy_twin.signals._images import usable_image
from hyperspy_twin.signals._twin import read, write


def segment_stack(
    signal: Signal2D,
    grid: Grid,
    method: str,
    options: dict[str, Any],
    show_progressbar: bool | None,
    bad: np.ndarray,
) -> tuple[Outlines, ...]:
    """Outlines of the regions of each image of a stack; ``bad`` are its bad pixels."""
    axes = [axis.get_axis_dictionary() for axis in signal.axes_manager._axes]
    rings = signal.map(
        _rings_of_image,
        grid=grid,
        method=method,
        options=options,
        bad=Signal2D(bad, axes=axes),
        inplace=False,
        ragged=True,
        lazy_output=False,
        show_progressbar=show_progressbar,
        silence_warnings=("scales", "units"),
    )
    return tuple(_from_rings(table) for table in rings.data.ravel())


def _rings_of_image(
    image: np.ndarray, grid: Grid, method: str, options: dict[str, Any], bad: np.ndarray
) -> np.ndarray:
    """Vertices of the outlines of one image with ring and region, shape (n, 4)."""
    bad = np.asarray(bad)
    filled = usable_image(np.asarray(image), bad)
    found, _ = segment_image(filled, grid, method=method, options=options, bad=bad)
    outlines = trace(found.labels, grid)
    ring = np.repeat(np.arange(len(outlines.ring_region)), np.diff(outlines.ring_start))
    return np.column_stack([outlines.vertices, ring, outlines.ring_region[ring]])


def _from_rings(table: np.ndarray) -> Outlines:
    start = np.flatnonzero(np.diff(table[:, 2], prepend=-1, append=-1))
    return Outlines(table[:, :2], start, table[start[:-1], 3].astype(np.int32))


class StackSlicer:
    """Slices images of a stack with the state of each; stands in for ``inav``.

    The state is a value for each image under each key: outlines, or bad pixels.
    """

    def __init__(self, signal: BaseSignal, slicer: Any, state: dict[str, tuple[Any, ...]]) -> None:
        self._signal = signal
        self._slicer = slicer
        self._of_images = state

    def __getitem__(self, slices: Any) -> Any:
        """Images at these positions, with their state."""
        result = self._slicer[slices]
        shape = self._signal.axes_manager.navigation_shape[::-1]
        axes = [axis.get_axis_dictionary() for axis in self._signal.axes_manager.navigation_axes]
        position = BaseSignal(np.arange(int(np.prod(shape))).reshape(shape), axes=axes[::-1])
        chosen = [int(n) for n in np.ravel(position.inav[slices].data)]
        state: dict[str, Any] = {
            key: tuple(values[n] for n in chosen) for key, values in self._of_images.items()
        }
        if "outlines" in state and result.axes_manager.navigation_dimension == 0:
            state["outlines"] = state["outlines"][0]
        write(result, **state)
        return result


class SeriesSlicer:
    """Slices the strain of a series with the noise of each frame; stands in for ``inav``."""

    def __init__(self, signal: BaseSignal, slicer: Any, noise: tuple[GradientNoise, ...]) -> None:
        self._signal = signal
        self._slicer = slicer
        self._noise = noise

    def __getitem__(self, slices: Any) -> Any:
        """Components and frames at these positions, with the noise of the frames."""
        result = self._slicer[slices]
        manager = self._signal.axes_manager
        axes = [axis.get_axis_dictionary() for axis in manager.navigation_axes]
        shape = manager.navigation_shape[::-1]
        components = axes[0]["size"] if axes[0]["name"] == "component" else 1
        frames = np.arange(int(np.prod(shape))).reshape(shape) // components
        chosen = np.ravel(BaseSignal(frames, axes=axes[::-1]).inav[slices].data)
        noise = tuple(self._noise[n] for n in dict.fromkeys(chosen.tolist()))
        names = [axis.name for axis in result.axes_manager.navigation_axes]
        if set(names) - {"component"}:
            write(result, frames=noise)
        else:
            write(result, frames=None, strain=replace(read(result, "strain"), noise=noise[0]))
        return result
