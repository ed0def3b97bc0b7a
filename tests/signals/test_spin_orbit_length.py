"""Inverse spin-orbit length of a strain map, for strains that are planted in it."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_twin.properties import QuantumWell

# 1/nm, of the shear strain along x and of the normal strain along y (down).
SHEAR, NORMAL = 2e-4, -1e-4
WELL = QuantumWell(2, thickness=16.0, splitting=0.071)


@pytest.fixture(scope="module")
def planted(chain):
    """The map of a well with linear strains instead of the measured ones."""
    strain = chain.strain.deepcopy()
    y, x = np.meshgrid(
        *[axis.axis for axis in strain.axes_manager.signal_axes[::-1]], indexing="ij"
    )
    strain.data[0], strain.data[2] = NORMAL * y, SHEAR * x
    strain.data[:3, np.isnan(chain.strain.data[0])] = np.nan
    return strain


def length_of(strain, **options):
    found = strain.spin_orbit_length(**options)
    known = np.isfinite(found.data)
    assert known.any()
    return found, found.data[known]


def test_planted_gradient_is_found(planted):
    """By hand: sqrt(3) 5.69 6.06 (de_xz/dx - eta / 2 de_xx/dz) / (17.62 71 meV), z upwards."""
    for given, slope in (({}, 5.69), ({"beam": "100"}, None)):
        found, values = length_of(planted, well=WELL, **given)
        eta, factor = 0.412, np.sqrt(3) / (17.62 * 0.071)
        if slope is None:
            coupling = 4.24 * 6.06 * SHEAR - eta * 5.69 * np.sqrt(0.75) * 2.16 * NORMAL
        else:
            coupling = 5.69 * 6.06 * (SHEAR - eta / 2 * NORMAL)
        # Upwards, e_xz is -e_xy and d/dz is -d/dy: both terms change their sign alike.
        assert values == pytest.approx(abs(coupling) * factor, rel=0.02)
        assert found.metadata.Spin_orbit.beam == given.get("beam", "110")
    labels = planted._labels
    assert np.isnan(found.data[labels != 2]).all()


def test_parameters_and_conventions_scale_it(planted):
    _, one = length_of(planted, well=WELL)
    _, half = length_of(planted, well=WELL, convention="spin")
    _, other = length_of(planted, well=WELL, parameters={"d": -3.03})
    assert half == pytest.approx(2 * one, rel=1e-4)
    assert other == pytest.approx(one / 2, rel=1e-4)


def test_splitting_of_the_measured_strain(chain):
    """Germanium on Si0.3Ge0.7: 2 |b| (e_perp - e_par), and 6 nm of hard walls."""
    found, _ = length_of(chain.strain, well=2)
    state = found.metadata.Spin_orbit
    strained = 2 * 2.16 * 0.0227
    walls = 4 * 4.24 * 0.0381 * (np.pi / 6.0) ** 2
    assert state.thickness == pytest.approx(6.0, abs=0.15)
    assert state.splitting == pytest.approx(strained + walls, rel=0.06)
    assert 0.0 < state.splitting_error < 0.01


def test_errors_and_state_are_kept_in_a_file(planted, tmp_path):
    found, values = length_of(planted, well=WELL)
    variance = found.metadata.Signal.Noise_properties.variance
    error = np.sqrt(variance.data[np.isfinite(found.data)])
    assert (error > 0).all()
    # Error of a smooth gradient over twice the window: below that of one pixel over the window.
    sigma = np.nanmedian(planted.sigma_xy.data)
    factor = np.sqrt(3) * 5.69 * 6.06 / (17.62 * 0.071)
    assert 0.01 < np.median(error) / (factor * sigma / planted.resolution) < 0.5
    found.save(tmp_path / "length.hspy")
    loaded = hs.load(tmp_path / "length.hspy")
    assert np.array_equal(loaded.data, found.data, equal_nan=True)
    assert loaded.metadata.Spin_orbit.splitting == 0.071


def test_absolute_shear_beside_it(planted):
    shear = planted.absolute_shear()
    x = planted.axes_manager.signal_axes[0].axis
    assert shear.data[150] == pytest.approx(np.abs(SHEAR * x), rel=1e-3, abs=1e-6)
    assert shear.metadata.Signal.Noise_properties.variance.data[150, 200] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"well": 9}, "no region 9"),
        ({"well": 2, "beam": "111"}, "beam is one of"),
        ({"well": 2, "width": -1.0}, "positive length"),
        ({"well": 2, "system": "Sn"}, "no parameters of holes"),
        ({"well": QuantumWell(2, splitting=-0.01)}, "not above light ones"),
        ({"well": QuantumWell(2, thickness=0.0)}, "positive length in nm"),
        ({"system": "Si"}, "which region is the well"),
    ],
)
def test_bad_input(planted, options, message):
    with pytest.raises(ValueError, match=message):
        planted.spin_orbit_length(**options)
