"""Maps of phases and orientations in the convention of orix, and patterns of oriented crystals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from orix.vector import Miller, Vector3d

from hyperspy_twin.core import Grid, OrientedCrystal
from hyperspy_twin.crystals.diffraction.orientation import (
    orix_orientation,
    point_group,
    predict_pattern,
)
from hyperspy_twin.crystals.diffraction.zone_patterns import zone_frame
from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks
from hyperspy_twin.crystals.relations.crystal_maps import (
    colour_key,
    colour_orientations,
    make_crystal_map,
    to_orix_phase,
)
from hyperspy_twin.crystals.structures import catalogue
from hyperspy_twin.crystals.structures.symmetry import laue_rotations

MONOCLINIC = ("ZrO2", "HfO2", "CuO", "Ga2O3", "VO2")


@pytest.fixture(scope="module")
def silicon(make_pattern):
    return index_peaks(make_pattern("Si", (1, 1, 0)).peaks, ["Si"])[0].oriented


@pytest.fixture(scope="module")
def nitride(make_pattern):
    return index_peaks(make_pattern("GaN", (1, 0, 0)).peaks, ["GaN"])[0].oriented


@pytest.fixture
def labels():
    return np.repeat([[0], [1], [2], [2]], 6, axis=1).repeat(2, axis=0)


def test_every_pixel_has_its_phase_orientation_and_place(silicon, nitride, labels):
    grid = Grid(labels.shape, (0.5, 0.25), (3.0, -1.0))
    found = make_crystal_map(labels, grid, {1: silicon, 2: nitride})
    assert found.phases.names == ["not_indexed", "Si", "GaN"]
    assert [found.phases[name].space_group.short_name for name in ("Si", "GaN")] == [
        "Fd-3m",
        "P63mc",
    ]
    assert found.scan_unit == "nm"
    np.testing.assert_array_equal(found.is_in_data, labels.ravel() > 0)
    assert len(found["Si"].x) == 12 and len(found["GaN"].x) == 24
    np.testing.assert_allclose(np.unique(found.x), grid.x)
    np.testing.assert_allclose(np.unique(found.y), grid.y[2:])
    for name, match in (("Si", silicon), ("GaN", nitride)):
        expected = orix_orientation(match)
        assert np.abs(found[name].orientations.angle_with(expected)).max() < 1e-6
    np.testing.assert_array_equal(found.region, labels[labels > 0])


def test_beam_and_spots_of_the_map_are_those_of_the_match(silicon, labels):
    found = make_crystal_map(labels, Grid(labels.shape, (1.0, 1.0)), {2: silicon})
    phase = found.phases["Si"]
    beam = found["Si"].orientations[0] * Vector3d.zvector()
    axis = Miller(uvw=silicon.zone_axis, phase=phase)
    assert np.allclose(beam.unit.data, axis.unit.data, atol=1e-6)


def test_subsampled_map(silicon, labels):
    grid = Grid(labels.shape, (0.5, 0.25))
    found = make_crystal_map(labels, grid, {1: silicon}, step=2)
    np.testing.assert_array_equal(found.is_in_data, labels[::2, ::2].ravel() == 1)
    assert np.unique(found.x).tolist() == grid.x[::2].tolist()
    for step in (0, 1.5):
        with pytest.raises(ValueError, match="whole number"):
            make_crystal_map(labels, grid, {1: silicon}, step=step)


def test_map_is_saved_and_loaded_by_orix(silicon, nitride, labels, tmp_path):
    from orix.io import load, save

    found = make_crystal_map(labels, Grid(labels.shape, (1.0, 1.0)), {1: silicon, 2: nitride})
    save(tmp_path / "map.h5", found)
    again = load(tmp_path / "map.h5")
    assert again.phases.names == found.phases.names
    assert np.allclose(again.rotations.data, found.rotations.data)


@pytest.mark.parametrize(
    ("zone", "colour"),
    [((0, 0, 1), (255, 0, 0)), ((1, 1, 0), (0, 255, 0)), ((1, 1, 1), (0, 0, 255))],
)
def test_corners_of_the_cubic_triangle_are_red_green_blue(zone, colour):
    crystal = catalogue.get("Si")
    frame = zone_frame(crystal, zone, np.cross(zone, (1, 2, 5)) @ np.linalg.inv(crystal.base).T)
    rgb = colour_orientations(np.array([[0, 3]]), {3: OrientedCrystal(crystal, zone, frame)})
    assert rgb[0, 0].tolist() == [0, 0, 0]
    assert np.abs(rgb[0, 1].astype(int) - colour).max() <= 3


def test_colours_follow_the_direction_of_the_image(silicon):
    """Along x of the image lies the crystal direction that the orientation gives."""
    labels = np.ones((1, 1), int)
    for direction in ((0, 0, 1), (1, 0, 0), (0.3, -0.4, 0.2)):
        key = colour_key(silicon.crystal, direction)
        crystal_direction = orix_orientation(silicon) * Vector3d(direction)
        expected = key.direction_color_key.direction2color(crystal_direction)[0]
        found = colour_orientations(labels, {1: silicon}, direction)[0, 0]
        assert np.abs(found / 255 - expected).max() < 0.01


@pytest.mark.parametrize("direction", [(0, 0), (0, 0, 0), (0, np.nan, 1)])
def test_wrong_directions_are_named(direction):
    with pytest.raises(ValueError, match="three numbers"):
        colour_key(catalogue.get("Si"), direction)


@pytest.mark.parametrize("name", MONOCLINIC)
def test_monoclinic_axis_is_where_the_cell_has_it(name):
    """The twofold axis lies along b, which is e2 of orix, not along z."""
    crystal = catalogue.get(name)
    group = point_group(crystal)
    assert group.name == "2/m" and group.size == 4
    rotations = group.to_matrix()
    turned = rotations[~np.isclose(np.trace(rotations, axis1=1, axis2=2), 3)]
    assert np.allclose(turned, np.diag([-1, 1, -1]))
    phase = to_orix_phase(crystal)
    assert phase.point_group.name == "2/m" and phase.space_group is None


@pytest.mark.parametrize("name", ["Si", "GaN", "SnO2", "Al2O3", "CuTe", "ZrO2", "Fe"])
def test_point_group_without_a_space_group(name):
    """The proper rotations of the Laue group, named so that the colours are right."""
    crystal = catalogue.get(name)
    unknown = point_group(replace(crystal, space_group=None))
    assert unknown.size == len(laue_rotations(crystal)) and not unknown.improper.any()
    known = point_group(crystal)
    assert unknown.laue.size == known.laue.size and unknown.laue.name == known.laue.name


def test_predicted_pattern_meets_the_spots(make_pattern):
    pattern = make_pattern("GaN", (1, 1, 0), scale=1.03, anisotropy=0.02)
    match = index_peaks(pattern.peaks, ["GaN"])[0]
    predicted = predict_pattern(
        match.oriented, 12.0, scale=match.scale, distortion=match.distortion
    )
    place = {tuple(h): p for h, p in zip(predicted.hkl, predicted.position, strict=True)}
    power = {tuple(h): i for h, i in zip(predicted.hkl, predicted.intensity, strict=True)}
    for hkl, spot in zip(match.hkl, pattern.spots, strict=True):
        assert np.allclose(place[tuple(hkl)], spot, atol=0.02)
        assert np.allclose(place[tuple(-hkl)], -spot, atol=0.02)
        assert power[tuple(hkl)] > 0
    assert predicted.intensity.max() == 1


def test_double_diffraction_alone_reaches_002_of_silicon(silicon):
    predicted = predict_pattern(silicon, 12.0)
    power = {tuple(h): i for h, i in zip(predicted.hkl, predicted.intensity, strict=True)}
    assert power[(0, 0, 2)] == power[(0, 0, -2)] == 0
    assert power[(0, 0, 4)] > 0
    assert np.hypot(*predicted.position.T).max() <= 12.0


def test_pattern_reaches_as_far_as_asked_whatever_the_distortion(silicon):
    plain = predict_pattern(silicon, 10.0)
    squeezed = predict_pattern(silicon, 10.0, distortion=np.diag([1.2, 0.8]))
    known = {tuple(h) for h in squeezed.hkl}
    far = np.hypot(*(plain.position * [1.2, 0.8]).T) <= 10.0
    assert {tuple(h) for h in plain.hkl[far]} <= known
