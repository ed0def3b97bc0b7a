"""Strain maps: their tables, and lattices that are registered when the phases are known."""

from __future__ import annotations

from dataclasses import replace

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_twin.signals import _twin


def test_lattices_are_registered_later(chain, tmp_path):
    """A map made before the phases were known gets its atoms from an indexed spectrum."""
    strain = chain.found.gpa(reference=chain.strain.reference)
    with pytest.raises(ValueError, match="index_phases"):
        strain.to_atoms()
    later = strain.register_lattices(chain.indexed)
    later.save(tmp_path / "later.hspy")
    model = hs.load(tmp_path / "later.hspy").to_atoms(thickness=2.0)
    assert later.history[-1]["step"] == "register_lattices"
    assert len(model.data) == pytest.approx(len(chain.model.data), rel=0.01)
    assert set(model.region) == set(chain.model.region)


def test_spectrum_of_another_image_is_refused(chain):
    for strain, spectrum in (
        (chain.strain, chain.micrograph),
        (chain.strain.isig[:50, :50], chain.indexed),
    ):
        with pytest.raises(ValueError, match="no spectrum of the same image"):
            strain.register_lattices(spectrum)


def test_table_of_regions_holds_means_over_their_pixels(chain):
    regions, labels = chain.strain.regions, chain.segmented.labels.data
    assert regions["region"].tolist() == [1, 2, 3]
    for row in regions:
        inside = (labels == row["region"]) & np.isfinite(chain.strain.e_yy.data)
        assert row["pixels"] == inside.sum()
        assert row["e_yy"] == pytest.approx(chain.strain.e_yy.data[inside].mean(), abs=1e-6)
    assert regions.units["rotation"] == "°"


def test_every_component_has_its_error(chain):
    strain = chain.strain
    assert len(strain.g) > 2 and strain.data.shape[0] == 10
    both = strain.sigma_xx.data**2 + strain.sigma_yy.data**2
    np.testing.assert_allclose(strain.sigma.data, np.sqrt(both / 2), rtol=1e-5)
    for name in ("sigma_xy", "sigma_rotation"):
        values = getattr(strain, name).data
        assert (values[np.isfinite(values)] > 0).all()
        assert strain.regions[name][0] == pytest.approx(np.nanmean(values), rel=0.5)
    assert strain.regions.units["sigma_rotation"] == "°"
    with pytest.raises(ValueError, match="sliced away"):
        _ = strain.inav[:4].sigma_xx


def test_reflections_by_their_indices(chain):
    reference = chain.indexed.phases[chain.strain.reference]
    hkl = [tuple(map(int, one)) for one in reference.hkl[:3]]
    strain = chain.indexed.gpa(reflections=hkl)
    assert len(strain.g) == 3
    assert strain.history[-1]["parameters"]["reflections"] == [list(one) for one in hkl]
    assert len(strain.to_atoms(thickness=1.0).data) > 500
    with pytest.raises(ValueError, match=r"shows no reflection \(9 9 9\)"):
        chain.indexed.gpa(reflections=[hkl[0], (9, 9, 9)])
    with pytest.raises(ValueError, match="index_phases"):
        chain.found.gpa(reflections=hkl)


def test_a_model_of_a_wrong_size_says_so(chain, caplog):
    """A barrier that is no Ge but smaller, pixels that are too large, and the right size."""
    chain.strain.to_atoms(thickness=1.0)
    assert "Ge of region 3 1.3 % too small: call apply_calibration() before gpa()" in caplog.text
    strain = chain.strain.deepcopy()
    for scale, said in ((1.036, "3.6 % too large"), (1.0, "")):
        caplog.clear()
        lattices = [
            replace(one, base=scale / one.scale * one.base)
            for one in _twin.read(strain, "lattices")
        ]
        _twin.write(strain, lattices=tuple(lattices))
        strain.to_atoms(thickness=1.0)
        assert said in caplog.text if said else not caplog.text


def test_plan_tells_the_choices_and_is_kept(chain, tmp_path):
    plan = chain.strain.plan
    assert plan.reference == chain.strain.reference == plan.regions["region"][0]
    assert plan.regions["verdict"][0] == "reference"
    used = plan.reflections[plan.reflections["verdict"] == "used"]
    assert len(used) == len(chain.strain.g)
    assert plan.mask_radius == pytest.approx(1 / (2 * np.pi * chain.strain.resolution))
    for said in ("Reference: region", "used", "standard deviation"):
        assert said in repr(plan)
    chain.strain.save(tmp_path / "strain.hspy")
    assert repr(hs.load(tmp_path / "strain.hspy").plan) == repr(plan)
    other = chain.strain.deepcopy()
    _twin.write(other, choices=None)
    with pytest.raises(ValueError, match="nothing was chosen"):
        _ = other.plan


def test_reference_by_name_and_by_a_drawn_area(chain):
    phase = chain.indexed.phases[chain.strain.reference].phase
    assert chain.indexed.gpa(reference=phase).reference == chain.strain.reference
    x, y = chain.strain.axes_manager.signal_axes
    height = y.size * y.scale
    area = hs.roi.RectangularROI(
        x.low_value, y.low_value + 0.8 * height, x.high_value, y.high_value
    )
    found = chain.indexed.gpa(reference=area)
    assert found.history[-1]["parameters"]["reference"][0] == [area.left, area.top]
    inside = found.e_yy.data[int(0.85 * y.size) : -10]
    assert abs(np.nanmean(inside)) < 1e-3
    with pytest.raises(ValueError, match="no region of phase 'Cu'"):
        chain.indexed.gpa(reference="Cu")


@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_lazy_spectrum_gives_lazy_maps_that_are_the_same(chain, tmp_path, suffix):
    strain = chain.indexed.as_lazy().gpa()
    assert strain._lazy
    assert strain.data.numblocks == (10, 1, 1)
    assert repr(strain.e_xx).startswith("<LazySignal2D")
    strain.save(tmp_path / f"strain.{suffix}")
    for found in (hs.load(tmp_path / f"strain.{suffix}", lazy=True), strain):
        assert found._lazy
        assert str(found.plan) == str(chain.strain.plan)
        assert str(found.regions) == str(chain.strain.regions)
        np.testing.assert_array_equal(found.g, chain.strain.g)
        np.testing.assert_array_equal(found.sigma_xy.data.compute(), chain.strain.sigma_xy.data)
        found.compute(show_progressbar=False)
        np.testing.assert_array_equal(found.data, chain.strain.data)
    assert len(strain.to_atoms(thickness=2.0).data) == len(chain.model.data)


def test_lazy_maps_of_a_filtered_image_have_no_errors(chain, caplog):
    whole = chain.indexed.deepcopy()
    rows, columns = whole.data.shape
    y, x = np.ogrid[:rows, :columns]
    radius = np.hypot((y - rows // 2) / rows, (x - columns // 2) / columns)
    whole.data = np.where(radius < 0.25, whole.data, 0)
    strain = whole.as_lazy().gpa()
    assert "filtered" in caplog.text
    assert np.isnan(strain.data[6:].compute()).all()
    np.testing.assert_array_equal(strain.data[:6].compute(), whole.gpa().data[:6])
