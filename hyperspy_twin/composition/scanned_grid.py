"""The grid on which a spectrum image or a map was scanned, in nm where that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_twin.core import Grid
from hyperspy_twin.io import to_nanometres

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal


class ScannedGrid(NamedTuple):
    """Grid of a scan, its unit, and the metadata of what was scanned."""

    grid: Grid
    unit: str
    metadata: Mapping[str, Any]
    original_metadata: Mapping[str, Any]


def grid_of_scan(signal: BaseSignal, axes: Sequence[Any]) -> ScannedGrid:
    """Grid of the positions of a signal.

    Parameters
    ----------
    signal
        Spectrum image or map.
    axes
        Its axes of position, (x, y) as HyperSpy lists them; one or none for a line or a point.

    Raises
    ------
    ValueError
        If there are more than two axes, or one is no length.
    """
    from hyperspy.signals import Signal2D

    if len(axes) > 2:
        raise ValueError(
            f"this signal has {len(axes)} axes of position, and a map has two: choose one image of "
            "the series with s.inav[...]"
        )
    given = [axis.get_axis_dictionary() for axis in axes]
    single = {"size": 1, "scale": given[0]["scale"] if given else 1.0, "offset": 0.0}
    single["units"] = given[0]["units"] if given else ""
    along_y = len(given) == 1 and str(given[0]["name"]).lower() in ("y", "height")
    pair = [single] * (2 - len(given))
    x, y = [*pair, *given] if along_y else [*given, *pair]
    kept = ("size", "scale", "offset", "units")
    image = Signal2D(
        np.zeros((y["size"], x["size"]), np.uint8),
        axes=[
            {"name": name, **{key: axis[key] for key in kept}}
            for name, axis in (("y", y), ("x", x))
        ],
    )
    general = signal.metadata.get_item("General")
    if general is not None:
        image.metadata.General.add_dictionary(general.as_dictionary())
    image.tmp_parameters.add_dictionary(signal.tmp_parameters.as_dictionary())
    calibration = to_nanometres(image)
    x, y = image.axes_manager.signal_axes
    grid = Grid(image.data.shape, (x.scale, y.scale), (x.offset, y.offset))
    metadata = signal.metadata.as_dictionary()
    metadata["Twin"] = {**metadata.get("Twin", {}), "calibration": calibration.to_json()}
    return ScannedGrid(grid, str(y.units), metadata, signal.original_metadata.as_dictionary())
