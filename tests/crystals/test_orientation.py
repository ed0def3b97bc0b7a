from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from orix.vector import Miller, Vector3d

from hyperspy_twin.crystals.diffraction.orientation import orix_orientation
from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks
from hyperspy_twin.crystals.structures import catalogue


@pytest.mark.parametrize(
    ("name", "zone", "group"),
    [("Si", (1, 1, 0), "m-3m"), ("GaN", (1, 0, 1), "6mm"), ("CuTe", (0, 1, 1), "mmm")],
)
def test_orix_convention(make_pattern, name, zone, group):
    """The beam, seen from the crystal, is the zone axis; a spot is its reflection."""
    from orix.crystal_map import Phase

    pattern = make_pattern(name, zone, angle=0.7)
    match = index_peaks(pattern.peaks, [name])[0]
    orientation = orix_orientation(match.oriented)
    assert orientation.symmetry.name == group
    structure = catalogue.get(name).to_diffpy()
    phase = Phase(point_group=group, structure=structure)
    beam = orientation * Vector3d.zvector()
    assert np.allclose(
        beam.unit.data, Miller(uvw=match.zone_axis, phase=phase).unit.data, atol=1e-6
    )
    spots = np.column_stack([pattern.spots, np.zeros(len(pattern.spots))]) / 10
    reflected = (orientation * Vector3d(spots)).data
    assert np.allclose(reflected, Miller(hkl=match.hkl, phase=phase).data, atol=1e-3)


def test_unknown_space_group_has_the_rotations_of_the_laue_group(make_pattern):
    match = index_peaks(make_pattern("GaN", (0, 0, 1)).peaks, ["GaN"])[0]
    unknown = replace(match.oriented, crystal=replace(match.crystal, space_group=None))
    symmetry = orix_orientation(unknown).symmetry
    assert symmetry.size == 12 and not symmetry.improper.any()
    assert np.allclose(
        orix_orientation(unknown).to_matrix(), orix_orientation(match.oriented).to_matrix()
    )
