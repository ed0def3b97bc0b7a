"""Absolute strain, other axes, profiles and compositions as verbs of a strain map."""

from __future__ import annotations

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.signals import _twin

STRAINS = ("e_xx", "e_yy", "e_xy", "rotation")


@pytest.fixture(scope="module")
def well(chain):
    """Strain of a germanium well, its barriers indexed by their composition."""
    return chain.found.index_phases(["Si0.3Ge0.7", "Ge"]).gpa()


@pytest.fixture(scope="module")
def wire():
    """Strain of InSb on InP."""
    image = ht.data.mismatched_nanowire(shape=(480, 480))
    found = ht.SegmentedImage.from_labels(image, image.truth.labels)
    return found.find_peaks(show_progressbar=False).index_phases(["InP", "InSb"]).gpa()


def inner(strain, region, distance=1.5):
    """Pixels of a region that keep a distance (nm) from its outline."""
    from scipy.ndimage import distance_transform_edt

    labels = strain._labels
    padded = np.pad(labels == region, 1)
    return distance_transform_edt(padded)[1:-1, 1:-1] * strain._grid.pixel_size > distance


def test_relaxed_materials_have_no_absolute_strain(wire):
    """10.4 % between the two; what is left is the field of the dislocations and the pixel size."""
    relative = np.nanmean(wire.e_xx.data[inner(wire, 1, 3.0)])
    assert relative == pytest.approx(0.1039, abs=0.002)
    absolute = wire.absolute()
    for region, phase in ((1, "InSb"), (2, "InP")):
        assert absolute.bulk_cells["phase"][region - 1] == phase
        far = inner(wire, region, 3.0)
        for name in ("e_xx", "e_yy", "e_xy"):
            assert abs(np.nanmean(getattr(absolute, name).data[far])) < 2e-3, (region, name)
    np.testing.assert_allclose(absolute.rotation.data, wire.rotation.data, atol=1e-3)
    np.testing.assert_array_equal(absolute.u_x.data, wire.u_x.data)
    assert "absolute against bulk InSb (1), InP (2)" in repr(absolute)
    assert absolute.e_xx.metadata.General.title.startswith("absolute strain e_xx")
    with pytest.raises(ValueError, match="absolute already"):
        absolute.absolute()


def test_absolute_strain_of_a_strained_well(well):
    """Ge held at the spacing of the barrier, against bulk Ge; the barrier is relaxed."""
    absolute = well.absolute()
    held = 5.431 + 0.20 * 0.7 + 0.027 * 0.7**2
    parallel = held / 5.658 - 1
    wanted = {"e_xx": parallel, "e_yy": -2 * 48.3 / 128.5 * parallel, "e_xy": 0.0}
    for name, value in wanted.items():
        assert np.nanmean(getattr(absolute, name).data[inner(well, 2)]) == pytest.approx(
            value, abs=6e-4
        )
        barrier = getattr(absolute, name).data[inner(well, 3)]
        assert np.nanmean(barrier) == pytest.approx(0, abs=1e-3)
    # Errors grow with the lattice that they are relative to.
    ratio = absolute.sigma_yy.data / well.sigma_yy.data
    assert np.nanmedian(ratio[well._labels == 2]) == pytest.approx(held / 5.658, rel=5e-3)


def test_absolute_strain_survives_saving_and_slicing(wire, tmp_path):
    absolute = wire.absolute().rotate_to(30.0)
    absolute.save(tmp_path / "absolute.hspy")
    loaded = hs.load(tmp_path / "absolute.hspy")
    assert type(loaded) is ht.StrainMap and loaded.history[-2]["step"] == "absolute"
    assert loaded.bulk_cells["phase"].tolist() == ["InSb", "InP"]
    np.testing.assert_allclose(loaded.e_xx.data, absolute.e_xx.data)
    back = loaded.rotate_to(0.0)
    np.testing.assert_allclose(back.e_xx.data, wire.absolute().e_xx.data, atol=2e-6)
    part = loaded.isig[100:300, 100:300]
    assert part.regions["region"].tolist() == [1, 2]
    np.testing.assert_allclose(
        part.rotate_to(0.0).e_yy.data, back.isig[100:300, 100:300].e_yy.data, atol=2e-6
    )
    lazy = hs.load(tmp_path / "absolute.hspy", lazy=True)
    assert np.isfinite(lazy.rotate_to(0.0).e_xx.data).any()
    # Atoms are displaced along the axes of the image, whatever those of the map.
    np.testing.assert_allclose(
        loaded.to_atoms(thickness=1.0).positions, wire.to_atoms(thickness=1.0).positions, atol=1e-3
    )


def test_what_absolute_strain_lacks_is_named(well, tied, chain):
    with pytest.raises(ValueError, match=r"pixel size is missing.*calibrate"):
        tied.gpa().absolute()
    bare = well.deepcopy()
    _twin.write(bare, phases=None, lattices=None)
    with pytest.raises(ValueError, match="region 1: it has no indexed phase"):
        bare.absolute()
    open_x = ht.SegmentedImage.from_labels(chain.micrograph, chain.segmented.labels)
    open_x = open_x.find_peaks(show_progressbar=False).index_phases(["Si1-xGex", "Ge"]).gpa()
    cells = open_x.absolute().bulk_cells
    assert cells["phase"].tolist() == ["", "Ge", ""]
    assert "read from its own spacing" in cells["reason"][0]
    with pytest.raises(ValueError, match=r"call absolute\(\)"):
        _ = well.bulk_cells


def test_a_pixel_size_from_the_image_is_no_independent_one(chain, caplog):
    calibrated = chain.indexed.apply_calibration().gpa(reflections=[(2, -2, 0), (0, 0, 4)])
    absolute = calibrated.absolute()
    assert "taken from the crystals of this image" in caplog.text
    assert "pixel size" in absolute.history[-1]["outcome"]


def test_axes_by_angle_vector_interface_and_plane(well):
    turned = well.rotate_to(30.0)
    angle = np.radians(30.0)
    x, y = np.cos(angle), -np.sin(angle)
    wanted = x * x * well.e_xx.data + y * y * well.e_yy.data + 2 * x * y * well.e_xy.data
    np.testing.assert_allclose(turned.e_xx.data, wanted, atol=1e-6)
    np.testing.assert_allclose(turned.u_x.data, x * well.u_x.data + y * well.u_y.data, atol=1e-5)
    np.testing.assert_array_equal(turned.rotation.data, well.rotation.data)
    np.testing.assert_allclose(well.rotate_to((x, y)).data, turned.data, atol=1e-6)
    np.testing.assert_allclose(turned.rotate_to(0).data[:6], well.data[:6], atol=2e-5)
    along = well.rotate_to(interface=(2, 3))
    assert abs(along._settings.angle) < 0.5
    plane = well.rotate_to(hkl=(0, 0, 1))
    assert abs(abs(plane._settings.angle) - 90) < 0.2
    np.testing.assert_allclose(
        np.nanmean(plane.e_xx.data[inner(well, 2)]), np.nanmean(well.e_yy.data[inner(well, 2)]),
        atol=1e-4,
    )  # fmt: skip
    assert plane.e_xx.metadata.General.title.startswith("strain e_x'x'")
    assert "x': normal of (0 0 1)" in repr(plane)
    assert plane.history[-1]["parameters"]["hkl"] == [0, 0, 1]
    figure = plane.plot()
    assert "normal of (0 0 1)" in figure.get_suptitle()
    assert figure.axes[0].get_title() == "e_x'x'"
    plt.close(figure)


def test_axes_that_do_not_exist_are_refused(well):
    for arguments, message in (
        ({}, "give one of a direction"),
        ({"direction": 3.0, "hkl": (0, 0, 1)}, "give one of a direction"),
        ({"direction": (0.0, 0.0)}, "angle in degrees or a vector"),
        ({"direction": np.nan}, "angle in degrees or a vector"),
        ({"interface": (1, 3)}, "share no outline"),
        ({"hkl": (1, 1, 0)}, "not parallel to the beam"),
        ({"hkl": (0, 0, 1.5)}, "three whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            well.rotate_to(**arguments)
    with pytest.raises(ValueError, match="sliced away"):
        well.inav[:4].rotate_to(10.0)


def test_principal_strains_and_their_errors(well):
    inside = inner(well, 2)
    assert np.nanmean(well.e_1.data[inside]) == pytest.approx(0.023, abs=1e-3)
    assert abs(np.nanmean(well.e_2.data[inside])) < 1e-3
    np.testing.assert_allclose(well.dilatation.data, well.e_xx.data + well.e_yy.data, atol=1e-6)
    np.testing.assert_allclose(
        2 * well.maximum_shear.data, well.e_1.data - well.e_2.data, atol=1e-6
    )
    direction = np.abs(well.principal_direction.data[inside])
    assert np.nanmedian(direction) == pytest.approx(90, abs=2)
    variance = well.e_1.metadata.Signal.Noise_properties.variance.data
    ratio = np.sqrt(variance[inside]) / well.sigma_yy.data[inside]
    assert np.nanmedian(ratio) == pytest.approx(1, abs=0.1)


def test_profile_across_the_well(well, tmp_path):
    profile = well.profile(across=(1, 2))
    assert profile.data.shape[0] == 4 and profile.axes_manager[1].units == "nm"
    names = profile.metadata.Profile.components
    assert list(names) == list(STRAINS)
    distance = profile.axes_manager[1].axis
    e_yy = profile.inav[1].data
    variance = profile.inav[1].metadata.Signal.Noise_properties.variance
    assert e_yy[distance < -1.5].mean() == pytest.approx(0.0, abs=6e-4)
    layer = (distance > 1.5) & (distance < 4.5)
    assert e_yy[layer].mean() == pytest.approx(0.0229, abs=6e-4)
    assert variance.data.shape == e_yy.shape
    profile.save(tmp_path / "profile.hspy")
    loaded = hs.load(tmp_path / "profile.hspy")
    np.testing.assert_allclose(loaded.data, profile.data)
    single = well.profile(line=((2.0, 1.0), (2.0, 9.0)), width=2.0, component="e_yy")
    assert single.data.ndim == 1 and single.metadata.Profile.width == 2.0
    assert np.isfinite(single.metadata.Signal.Noise_properties.variance.data).any()
    shift = well.profile(line=((2.0, 1.0), (2.0, 9.0)), component="u_y")
    assert not shift.metadata.has_item("Signal.Noise_properties.variance")


def test_profiles_that_make_no_sense_are_refused(well):
    for arguments, message in (
        ({}, "give either across"),
        ({"across": (1, 2), "line": ((0, 0), (1, 1))}, "give either across"),
        ({"across": (1, 3)}, "share no outline"),
        ({"line": ((0, 0), (0, 0))}, "two different points"),
        ({"line": ((0, 0), (5, 5)), "width": 0}, "positive length"),
        ({"line": ((0, 0), (5, 5)), "component": "e_zz"}, "a profile is of one of"),
        ({"line": ((90, 90), (95, 95))}, "no pixel near this line"),
    ):
        with pytest.raises(ValueError, match=message):
            well.profile(**arguments)


def test_regional_table_has_spread_and_errors_of_means(well):
    regions = well.regions
    for name in ("xx", "yy", "xy", "rotation"):
        assert (regions[f"sem_{name}"] > 0).all()
        assert (regions[f"sem_{name}"] < regions[f"sd_{name}"]).all()
    assert regions.units["sem_rotation"] == regions.units["sd_rotation"] == "°"
    labels = well._labels
    spread = np.nanstd(well.e_yy.data[labels == 2], ddof=1)
    assert regions["sd_yy"][1] == pytest.approx(spread, rel=1e-3)


def test_composition_of_the_well(well):
    """Truth: 0.7 in the barriers, 1 in the well, which is strained as a thick crystal is."""
    x = well.composition("SiGe")
    variance = x.metadata.Signal.Noise_properties.variance.data
    for region, wanted in ((1, 0.7), (2, 1.0), (3, 0.7)):
        inside = inner(well, region, 1.0)
        values = x.data[inside]
        error = np.sqrt(np.nanmean(variance[inside]))
        assert np.nanmean(values) == pytest.approx(wanted, abs=0.012), region
        assert 0.003 < error < 0.03
        spread = np.nanstd(values)
        assert 0.4 < spread / error < 1.6
    details = x.metadata.Composition
    assert (details.system, details.limit) == ("Si1-xGex", "bulk")
    assert abs(details.growth_angle) == pytest.approx(90, abs=0.5)
    assert well.rotate_to(40.0).composition("SiGe").data[inner(well, 2)].mean() == pytest.approx(
        np.nanmean(x.data[inner(well, 2)]), abs=1e-4
    )


def test_composition_map_of_the_well(well):
    maps = ht.composition.from_strain(well, "SiGe")
    x = well.composition("SiGe")
    assert maps.elements == ("Si", "Ge")
    np.testing.assert_allclose(maps["Ge"].data, x.data, atol=1e-6)
    np.testing.assert_allclose(maps["Si"].data, 1 - x.data, atol=1e-6)
    variance = x.metadata.Signal.Noise_properties.variance.data
    np.testing.assert_allclose(maps.error.data[1], np.sqrt(variance), rtol=1e-4)
    assert "Si1-xGex, bulk limit" in str(maps.report)
    assert [step["step"] for step in maps.history][-1] == "from_strain"
    assert "gpa" in [step["step"] for step in maps.history]


def test_what_composition_lacks_is_named(well, wire, tied):
    with pytest.raises(ValueError, match="no system 'SiSn'"):
        well.composition("SiSn")
    with pytest.raises(ValueError, match="limit is 'bulk' or 'lamella'"):
        well.composition("SiGe", limit="thin")
    with pytest.raises(ValueError, match="no region is a coherent layer of InxGa1-xAs.*InSb.*InP"):
        wire.composition("InGaAs", substrate="InP")
    without_scale = tied.gpa(reference=3)
    with pytest.raises(ValueError, match="give substrate="):
        without_scale.composition("SiGe")
    # Strain is right without a pixel size, and so is the composition on a known substrate.
    x = without_scale.composition("SiGe", substrate=0.7)
    assert np.nanmean(x.data[inner(without_scale, 2, 30.0)]) == pytest.approx(1.0, abs=0.03)
    bare = well.deepcopy()
    _twin.write(bare, phases=None, lattices=None)
    with pytest.raises(ValueError, match="index_phases"):
        bare.composition("SiGe")


def test_maps_of_which_the_noise_is_not_known(well):
    from dataclasses import replace

    old = well.deepcopy()
    _twin.write(old, strain=replace(_twin.read(old, "strain"), noise=None))
    turned = old.rotate_to(45.0)
    assert "upper bounds" in turned.history[-1]["outcome"]["errors"]
    known = np.isfinite(well.e_xx.data)
    exact = well.rotate_to(45.0).sigma_xx.data[known]
    assert (turned.sigma_xx.data[known] > 0.99 * exact).all()
    assert np.isnan(old.regions["sem_xx"]).all() and (old.regions["sd_xx"] > 0).all()
    assert not old.profile(across=(1, 2)).metadata.has_item("Signal.Noise_properties.variance")


def test_noise_follows_the_pixel_size(well):
    state = _twin.rescale(well, (2.0, 2.0))
    before, after = _twin.read(well, "strain").noise, state["strain"].noise
    np.testing.assert_allclose(after.white, 16 * np.asarray(before.white))
    np.testing.assert_allclose(after.lines, 8 * np.asarray(before.lines))


def test_interfaces_of_mismatched_materials(wire, well):
    """InSb on InP, relaxed by dislocations, and a well that is coherent with both barriers."""
    found = wire.interfaces
    assert found["first"].tolist() == [1] and found["second"].tolist() == [2]
    # From InSb to InP; the field of the dislocations reaches a few spacings into both.
    for name in ("misfit_along", "misfit_across"):
        assert found[name][0] == pytest.approx(5.8687 / 6.4794 - 1, abs=6e-3)
    assert abs(found["tilt"][0]) < 0.2 and abs(found["angle"][0]) < 1.0
    np.testing.assert_allclose(wire.absolute().interfaces["tilt"], found["tilt"], atol=1e-3)
    layers = well.interfaces
    assert len(layers) == 2
    assert np.abs(layers["misfit_along"]).max() < 5 * layers["error_misfit_along"].max() + 3e-4
    truth = np.nanmax(well.regions["e_yy"])
    assert layers["misfit_across"][0] == pytest.approx(truth, abs=1e-3)
    assert layers.units["tilt"] == "°" and layers.units["length"] == "nm"
