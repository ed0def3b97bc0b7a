"""Composition maps of energy-loss spectrum images of known truth, and of a real one."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.special import ndtr

import hyperspy_twin as ht
from hyperspy_twin.composition import Optics, cross_section

QUIET = {"show_progressbar": False}
# exspy and the HyperSpy that it is imported with warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def strong():
    """Spectra of 3e7 electrons per pixel."""
    return ht.data.sige_spectrum_image(electrons=3e7)


@pytest.fixture(scope="module")
def maps(strong):
    return ht.composition.from_eels(strong, ["Si", "Ge"], **QUIET)


def deviations(si, maps):
    """Deviation of the germanium fraction from the truth, and over its error; with the truth."""
    truth = ht.data.germanium_truth(si)
    deviation = maps["Ge"].data - truth
    return truth, deviation, deviation / maps.error.data[maps.elements.index("Ge")]


def test_fractions_have_no_bias_at_3e7(strong, maps):
    truth, deviation, _ = deviations(strong, maps)
    for layer in (truth < 0.25, truth > 0.75):
        assert np.isfinite(deviation[layer]).all()
        assert abs(deviation[layer].mean()) < 0.01
    np.testing.assert_allclose(maps.data.sum(axis=0), 1.0, atol=1e-5)
    assert maps.report.chi_square == pytest.approx(1, abs=0.01)
    assert "does not describe" not in str(maps.report)


@pytest.mark.parametrize(("electrons", "seed"), [(1e7, 0), (1e8, 0), (1e7, 5)])
def test_errors_are_those_of_the_counts_from_1e7(electrons, seed):
    si = ht.data.sige_spectrum_image(electrons=electrons, seed=seed)
    truth, _, ratio = deviations(si, ht.composition.from_eels(si, ["Si", "Ge"], **QUIET))
    for layer in (truth < 0.25, truth > 0.75):
        assert 0.85 < np.mean(ratio[layer] ** 2) < 1.15


@pytest.mark.parametrize("fraction", [0.35, 0.6])
def test_other_fractions(fraction):
    """Not tuned on: one layer, other fractions, a narrower range."""
    si = ht.data.sige_spectrum_image(
        shape=(20, 40), electrons=3e7, barrier=fraction, well=fraction, thickness=40.0, seed=3
    )
    maps = ht.composition.from_eels(si, ["Ge", "Si"], energy_range=(1050.0, 2300.0), **QUIET)
    _, deviation, ratio = deviations(si, maps)
    assert abs(deviation.mean()) < 0.01
    assert 0.8 < np.mean(ratio**2) < 1.2


def test_weak_pixels_are_withheld_and_rows_are_pooled():
    si = ht.data.sige_spectrum_image(electrons=1e6)
    maps = ht.composition.from_eels(si, ["Si", "Ge"], **QUIET)
    assert np.isnan(maps.data).all()
    assert "too few counts" in str(maps.report)
    pooled = ht.composition.from_eels(si.sum("x"), ["Si", "Ge"], **QUIET)
    assert pooled.data.shape == (2, 30, 1)
    truth = ht.data.germanium_truth(si).mean(axis=1)
    deviation = pooled["Ge"].data[:, 0] - truth
    error = pooled.error.data[1, :, 0]
    assert np.isfinite(deviation).all()
    assert 0.5 < np.mean((deviation / error) ** 2) < 1.7


def test_layers_pooled_at_1e7_have_no_bias():
    si = ht.data.sige_spectrum_image(electrons=1e7)
    truth = ht.data.germanium_truth(si)[:, 0]
    for layer in (truth < 0.21, truth > 0.79):
        pooled = si.inav[:, np.flatnonzero(layer)[0] : np.flatnonzero(layer)[0] + 8].sum()
        found = ht.composition.from_eels(pooled, ["Si", "Ge"], **QUIET)
        expected = truth[np.flatnonzero(layer)[0] :][:8].mean()
        assert found.data.shape == (2, 1, 1)
        assert abs(found["Ge"].data[0, 0] - expected) < 0.01


def test_plural_scattering_shows_and_the_low_loss_corrects_it():
    si = ht.data.sige_spectrum_image(electrons=3e7, mean_free_paths=0.5)
    low_loss = ht.data.sige_low_loss(si)
    ignored = ht.composition.from_eels(si, ["Si", "Ge"], **QUIET)
    truth, wrong, _ = deviations(si, ignored)
    assert np.abs(wrong[truth > 0.75].mean()) > 0.03
    assert ignored.report.chi_square > 1.02
    assert "plural scattering" in str(ignored.report)
    assert "does not describe the counts" in str(ignored.report)
    for given in (low_loss, low_loss.sum()):
        corrected = ht.composition.from_eels(si, ["Si", "Ge"], low_loss=given, **QUIET)
        _, right, ratio = deviations(si, corrected)
        for layer in (truth < 0.25, truth > 0.75):
            assert abs(right[layer].mean()) < 0.01
            assert 0.85 < np.mean(ratio[layer] ** 2) < 1.15
        assert "0.5 mean free paths" in str(corrected.report)
        assert "does not describe the counts" not in str(corrected.report)


def test_same_fractions_as_the_model_of_exspy():
    """exspy's own least squares with the same edges, on one spectrum of many electrons."""
    si = ht.data.sige_spectrum_image(shape=(1, 2), electrons=1e11, barrier=0.35, well=0.35)
    one = si.inav[0, 0]
    model = one.create_model(auto_background=True, auto_add_edges=True, GOS="hydrogenic")
    model.fit(optimizer="lm")
    amounts = {name: model[f"{name}"].intensity.value for name in ("Si_K", "Ge_L3")}
    theirs = amounts["Ge_L3"] / sum(amounts.values())
    ours = ht.composition.from_eels(one, ["Si", "Ge"], **QUIET)["Ge"].data[0, 0]
    assert ours == pytest.approx(0.35, abs=0.002)
    assert theirs == pytest.approx(ours, abs=0.01)


def test_fine_structure_is_left_out(strong):
    """White lines after both onsets are not fitted."""
    lined = strong.deepcopy()
    energies = lined.axes_manager[-1].axis
    for onset in (1217.0, 1839.0):
        near = (energies >= onset) & (energies < onset + 20)
        lined.data[..., near] = (1.2 * lined.data[..., near]).astype(lined.data.dtype)
    found = ht.composition.from_eels(lined, ["Si", "Ge"], fine_structure=30.0, **QUIET)
    truth, deviation, _ = deviations(strong, found)
    assert abs(deviation[truth < 0.25].mean()) < 0.01
    assert "30 eV" in str(found.report)
    fitted = ht.composition.from_eels(lined, ["Si", "Ge"], **QUIET)
    assert "does not describe the counts" in str(fitted.report)


def test_lazy_spectra_give_the_same(strong, maps):
    lazy = ht.composition.from_eels(strong.as_lazy(), ["Si", "Ge"], **QUIET)
    np.testing.assert_array_equal(lazy.data, maps.data)
    assert type(lazy) is ht.CompositionMap


def test_grid_and_history(strong, maps, tmp_path):
    assert maps.axes_manager.signal_axes[0].scale == 3.0 and maps._unit == "nm"
    (step,) = maps.history
    assert step["step"] == "from_eels" and step["parameters"]["elements"] == ["Si", "Ge"]
    assert {"exspy", "hyperspy"} <= set(step["versions"])
    assert maps.metadata.Acquisition_instrument.TEM.beam_energy == 200.0
    cropped = ht.composition.from_eels(strong.inav[10:20, 4:9], ["Si", "Ge"], **QUIET)
    offsets = [axis.offset for axis in cropped.axes_manager.signal_axes]
    assert offsets == [30.0, 12.0]
    maps.save(tmp_path / "eels.hspy")
    assert str(hs.load(tmp_path / "eels.hspy").report) == str(maps.report)


# ---- what is refused ----


def test_spectra_without_edges_are_refused(strong):
    flat = strong.inav[:4, :4].deepcopy()
    energies = flat.axes_manager[-1].axis
    mean = 1e3 * (energies / 1000) ** -3.0
    flat.data = np.random.default_rng(0).poisson(mean, flat.data.shape)
    with pytest.raises(ValueError, match="no edge is seen"):
        ht.composition.from_eels(flat, ["Si", "Ge"], **QUIET)


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        (["Si", "O"], "O has no edge between 1000 and 2398 eV"),
        (["Si", "La"], "K and L edges only|no edge"),
        (["Si"], "at least two elements"),
        (["Si", "Xx"], "unknown elements: Xx"),
        (["Si", "Si"], "more than once"),
        ([], "elements are missing"),
    ],
)
def test_elements_that_cannot_be_found_are_refused(strong, elements, said):
    with pytest.raises(ValueError, match=said):
        ht.composition.from_eels(strong, elements, **QUIET)


@pytest.mark.parametrize(
    "item", ["beam_energy", "convergence_angle", "Detector.EELS.collection_angle"]
)
def test_missing_optics_are_named(strong, item):
    si = strong.inav[:2, :2].deepcopy()
    parent, _, name = f"Acquisition_instrument.TEM.{item}".rpartition(".")
    delattr(si.metadata.get_item(parent), name)
    with pytest.raises(ValueError, match=f"{item.split('.')[-1]} .*set_microscope_parameters"):
        ht.composition.from_eels(si, ["Si", "Ge"], **QUIET)


def test_other_bad_input_is_refused(strong):
    si = strong.inav[:3, :3]
    with pytest.raises(ValueError, match="no channel lies between 10 and 20 eV"):
        ht.composition.from_eels(si, ["Si", "Ge"], energy_range=(10.0, 20.0), **QUIET)
    plain = si.deepcopy()
    plain.axes_manager[-1].units = "keV"
    with pytest.raises(ValueError, match="in eV"):
        ht.composition.from_eels(plain, ["Si", "Ge"], **QUIET)
    low_loss = ht.data.sige_low_loss(strong)
    with pytest.raises(ValueError, match="1800 positions, and the spectrum image 9"):
        ht.composition.from_eels(si, ["Si", "Ge"], low_loss=low_loss, **QUIET)
    low_loss.axes_manager[-1].scale = 0.5
    with pytest.raises(ValueError, match="0.5 eV wide"):
        ht.composition.from_eels(strong, ["Si", "Ge"], low_loss=low_loss, **QUIET)
    empty = si.deepcopy()
    empty.data[:] = 0
    with pytest.raises(ValueError, match="no counts"):
        ht.composition.from_eels(empty, ["Si", "Ge"], **QUIET)


def test_an_empty_or_broken_pixel_is_withheld(strong):
    si = strong.inav[:6, :6].deepcopy()
    si.change_dtype("float32")
    si.data[0, 1] = 0.0
    si.data[2, 3, 100] = np.nan
    found = ht.composition.from_eels(si, ["Si", "Ge"], **QUIET)
    assert np.isnan(found.data[:, [0, 2], [1, 3]]).all()
    assert np.isfinite(found.data).sum() == 2 * 34
    assert found.report.withheld == {"the spectrum is empty or not finite": 2}


def test_cross_sections_are_those_of_the_literature():
    """Si K and Ge L3 into 100 eV at 200 kV, 20 and 40 mrad: 130 and 839 barn within a percent."""
    energies = np.arange(1000.0, 2400.0)
    optics = Optics(200.0, 20.0, 40.0)
    for edge, onset, expected in (("Si_K", 1839.0, 130.0), ("Ge_L3", 1217.0, 839.0)):
        inside = (energies >= onset) & (energies < onset + 100)
        assert cross_section(edge, energies, optics)[inside].sum() == pytest.approx(
            expected, rel=0.01
        )


# ---- a real spectrum image ----


def test_lanthanum_lies_between_its_rows(shared_file):
    """SI-EELS: the La M edge by its intensity, summed along the rows, with blurred ends."""
    si = ht.load(shared_file("data/SI-EELS.dm3"))
    rows = ht.composition.edge_intensity(si.sum("x"), "La_M5")
    assert rows.data.shape == (49, 1)
    profile = rows.data[:, 0]

    def layer(row, first, last, blur, height, outside):
        return outside + height * (ndtr((row - first) / blur) - ndtr((row - last) / blur))

    start = (17.0, 29.0, 1.0, profile.max(), 0.0)
    (first, last, _, height, _), _ = curve_fit(layer, np.arange(49.0), profile, start)
    assert first == pytest.approx(17.7, abs=0.5)
    assert last == pytest.approx(28.6, abs=0.5)
    outside = np.concatenate([profile[:16], profile[31:]])
    assert abs(outside.mean()) < 0.12 * height
    error = np.sqrt(rows.metadata.Signal.Noise_properties.variance.data)
    assert 0.001 < np.median(error) / height < 0.05


def test_lanthanum_needs_other_cross_sections(shared_file):
    si = ht.load(shared_file("data/SI-EELS.dm3"))
    with pytest.raises(ValueError, match="K and L edges only, and La has"):
        ht.composition.from_eels(si, ["Ti", "La"], **QUIET)


def test_an_edge_is_named_by_its_shell(strong):
    with pytest.raises(ValueError, match="no edge 'La'"):
        ht.composition.edge_intensity(strong, "La")
