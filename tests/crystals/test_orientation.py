from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from orix.vector import Miller, Vector3d

from hyperspy_twin.crystals.indexing.orientation import orientation_of
from hyperspy_twin.crystals.indexing.peak_indexing import index_spots
from hyperspy_twin.crystals.structures import catalogue


@pytest.mark.parametrize(
    ("name", "zone", "group"),
    [("Si", (1, 1, 0), "m-3m"), ("GaN", (1, 0, 1), "6mm"), ("CuTe", (0, 1, 1), "mmm")],
)
def test_orix_convention(make_pattern, name, zone, group):
    """The beam, seen from the crystal, is the zone axis; a spot is its reflection."""
    from orix.crystal_map import Phase

    pattern = make_pattern(name, zone, angle=0.7)
    match = index_spots(*pattern, [name])[0]
    orientation = orientation_of(match)
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
    match = index_spots(*make_pattern("GaN", (0, 0, 1)), ["GaN"])[0]
    unknown = replace(match, crystal=replace(match.crystal, space_group=None))
    symmetry = orientation_of(unknown).symmetry
    assert symmetry.size == 12 and not symmetry.improper.any()
    assert np.allclose(orientation_of(unknown).to_matrix(), orientation_of(match).to_matrix())
