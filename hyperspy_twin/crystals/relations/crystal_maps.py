"""Phase and orientation of every pixel of an image, from those of its regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.core import Crystal, Grid, OrientedCrystal
from hyperspy_twin.crystals.diffraction import orix_orientation, point_group
from hyperspy_twin.crystals.structures import number_of_space_group

if TYPE_CHECKING:
    from orix.crystal_map import CrystalMap, Phase
    from orix.plot import IPFColorKeyTSL

BEAM = (0.0, 0.0, 1.0)  # into the screen
NOT_INDEXED = -1  # as orix numbers this phase


def make_crystal_map(
    labels: np.ndarray,
    grid: Grid,
    regions: Mapping[int, OrientedCrystal],
    *,
    step: int = 1,
    unit: str = "nm",
) -> CrystalMap:
    """Crystal map of an image of regions.

    Parameters
    ----------
    labels
        Region of each pixel, shape (rows, columns).
    grid
        Grid of the image.
    regions
        Crystal of each indexed region.
    step
        Take every so many pixels along x and y.
    unit
        Unit of the grid.

    Returns
    -------
    orix.crystal_map.CrystalMap
        One point for each pixel taken, with the convention of
        :func:`~hyperspy_twin.crystals.orix_orientation` and the property ``region``.
        Pixels without a phase are not in the data and have the phase "not_indexed".

    Raises
    ------
    ValueError
        If the step is not a positive whole number.
    """
    from orix.crystal_map import CrystalMap, PhaseList
    from orix.quaternion import Rotation

    if step < 1 or step != int(step):
        raise ValueError(f"step is a whole number of pixels from 1 on, not {step}")
    labels = labels[::step, ::step]
    crystals = list(dict.fromkeys(oriented.crystal for oriented in regions.values()))
    phase = np.full(labels.shape, NOT_INDEXED)
    rotation = np.zeros((*labels.shape, 4))
    rotation[..., 0] = 1.0
    for region, oriented in regions.items():
        inside = labels == region
        phase[inside] = crystals.index(oriented.crystal)
        rotation[inside] = orix_orientation(oriented).data[0]
    x, y = np.meshgrid(grid.x[::step], grid.y[::step])
    return CrystalMap(
        rotations=Rotation(rotation.reshape(-1, 4)),
        phase_id=phase.ravel(),
        x=x.ravel(),
        y=y.ravel(),
        phase_list=PhaseList([to_orix_phase(crystal) for crystal in crystals]),
        prop={"region": labels.ravel()},
        scan_unit=unit,
        is_in_data=(phase != NOT_INDEXED).ravel(),
    )


def to_orix_phase(crystal: Crystal) -> Phase:
    """Crystal as a phase of orix; without its space group where orix would misplace the axes."""
    from orix.crystal_map import Phase

    group, structure = point_group(crystal), crystal.to_diffpy()
    if crystal.space_group is not None:
        number = number_of_space_group(crystal.space_group)
        phase = Phase(name=crystal.name, space_group=number, structure=structure)
        if np.array_equal(phase.point_group.data, group.data):
            return phase
    return Phase(name=crystal.name, point_group=group, structure=structure)


def colour_key(crystal: Crystal, direction: Sequence[float] = BEAM) -> IPFColorKeyTSL:
    """Colours of the inverse pole figure of a crystal.

    Parameters
    ----------
    crystal
        The crystal, whose Laue group sets the triangle.
    direction
        Direction in the image frame: x right, y down, z into the screen.

    Raises
    ------
    ValueError
        If the direction is not three numbers, not all zero.
    """
    from orix.plot import IPFColorKeyTSL
    from orix.vector import Vector3d

    vector = np.asarray(direction, float)
    if vector.shape != (3,) or not np.isfinite(vector).all() or not vector.any():
        raise ValueError(f"a direction of the image is three numbers (x, y, z), not {direction!r}")
    return IPFColorKeyTSL(point_group(crystal), direction=Vector3d(vector))


def colour_orientations(
    labels: np.ndarray, regions: Mapping[int, OrientedCrystal], direction: Sequence[float] = BEAM
) -> np.ndarray:
    """Colour each pixel by the crystal direction that lies along a direction of the image.

    Parameters
    ----------
    labels
        Region of each pixel, shape (rows, columns).
    regions
        Crystal of each indexed region.
    direction
        Direction in the image frame: x right, y down, z into the screen.

    Returns
    -------
    numpy.ndarray
        Red, green and blue from 0 to 255, uint8, shape (rows, columns, 3); black without a phase.

    References
    ----------
    Nolze & Hielscher, J. Appl. Cryst. 49 (2016) 1786 (the colour keys).
    """
    colours = np.zeros((*labels.shape, 3), np.uint8)
    for region, oriented in regions.items():
        key = colour_key(oriented.crystal, direction)
        rgb = key.orientation2color(orix_orientation(oriented))[0]
        colours[labels == region] = np.rint(255 * rgb)
    return colours
