"""Bragg-filtered images of an indexed spectrum, as signals."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_twin.pixels import find_empty_areas
from hyperspy_twin.signals._images import axes_of
from hyperspy_twin.signals._reflections import By, group_reflections

if TYPE_CHECKING:
    from hyperspy_twin.strain import FilterGroup

_LOGGER = logging.getLogger(__name__)
OUTPUTS = ("image", "amplitude")
# What belongs to the spectrum and not to an image made of it.
NOT_KEPT = ("bad_pixels", "outlines", "image_grid", "spectra", "candidates", "phases")


class Filtered(NamedTuple):
    """Filtered images, shape (n, rows, columns), and how they were made."""

    images: np.ndarray
    groups: list[FilterGroup]
    resolution: float


def check_output(output: str) -> None:
    """Raise a ValueError for an output that is not offered."""
    if output not in OUTPUTS:
        raise ValueError(f"output is {' or '.join(map(repr, OUTPUTS))}, not {output!r}")


def filter_image(spectrum: Any, by: By, output: str, resolution: float | None) -> Filtered:
    """Filter the image of a spectrum by groups of its reflections."""
    from hyperspy_twin.strain import filter_reflections, local_amplitude, plan_groups

    image, grid = spectrum.image()
    reflections = group_reflections(by, spectrum._spectra, spectrum.phases)
    groups, resolution = plan_groups(reflections, resolution=resolution)
    for line in _doubts(groups, by):
        _LOGGER.warning("%s", line)
    empty = find_empty_areas(spectrum._bad_pixels) if spectrum._bad_pixels.any() else None
    vectors = [group.vectors for group in groups]
    images = filter_reflections(image, grid, vectors, resolution=resolution, empty=empty)
    if output == "amplitude":
        for one in images:
            one[:] = local_amplitude(one, grid, resolution=resolution)
    return Filtered(images, groups, resolution)


def filtered_signal(spectrum: Any, found: Filtered, parameters: dict[str, Any]) -> Signal2D:
    """Stack of filtered images with the metadata and the history of a spectrum."""
    by, names = parameters["by"], [group.name for group in found.groups]
    outcome = {
        "groups": {group.name: len(group.vectors) for group in found.groups},
        "left_out": {group.name: group.left_out for group in found.groups if group.left_out},
        "doubts": _doubts(found.groups, by),
        "resolution": found.resolution,
    }
    axis = by if isinstance(by, str) else "reflection"
    signal = spectrum._derive(
        Signal2D,
        "bragg_filter",
        parameters,
        data=found.images,
        axes=[
            {"name": axis, "size": len(names), "navigate": True},
            *axes_of(spectrum._image_grid, spectrum._unit),
        ],
        outcome=outcome,
        **dict.fromkeys(NOT_KEPT),
    )
    what = "Bragg-filtered image" if parameters["output"] == "image" else "Amplitude of the fringes"
    signal.metadata.General.title = f"{what} by {axis}, {spectrum.metadata.General.title}"
    signal.metadata.set_item(
        "Bragg_filter",
        {
            "groups": names,
            "vectors": [np.asarray(group.vectors) for group in found.groups],
            "resolution": found.resolution,
            "output": parameters["output"],
        },
    )
    return signal


def _doubts(groups: list[FilterGroup], by: By) -> list[str]:
    """Say which groups the image does not tell apart."""
    found = [
        f"all reflections of {group.name} are those of other groups too: its image shows these as "
        "well"
        for group in groups
        if group.is_mixed
    ]
    joined = [group.name for group in groups if len(group.names) > 1]
    if joined and by != "grain":  # grains of one lattice belong together
        found.append(
            f"one group each, for want of reflections that tell them apart: {'; '.join(joined)}. A "
            "larger resolution may do so"
        )
    return found
