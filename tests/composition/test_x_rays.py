"""Composition maps of X-ray spectrum images: a generated one, and a real one."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
from scipy import ndimage

import hyperspy_twin as ht
from hyperspy_twin.composition.quantification import (
    cliff_lorimer,
    fractions_of_amounts,
    net_counts,
)

QUIET = {"show_progressbar": False}
K = {"Fe_Ka": 1.450226, "Pt_La": 5.075602}
# Width of the windows before exspy's example of these particles.
WINDOWS = {"background": (5.0, 2.0)}
# exspy and the HyperSpy that it is imported with warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")
WEIGHTS = np.array([55.845, 195.084])


def line(energy, centre, width=0.06):
    return np.exp(-(((energy - centre) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))


def particles(counts=400.0, shape=(20, 30), fraction=None, seed=0):
    """X-ray spectra of Fe and Pt with known fractions, as Cliff and Lorimer have it."""
    fraction = np.full(shape, 0.3) if fraction is None else fraction
    energy = 0.16 + 0.02 * np.arange(992)
    atoms = np.stack([fraction, 1 - fraction])
    lines = atoms * (WEIGHTS / np.array(list(K.values())))[:, None, None]
    lines = counts * lines / lines.sum(axis=0)
    shapes = 0.02 * np.stack([line(energy, 6.4039), line(energy, 9.4421)])
    mean = np.einsum("kyx,ke->yxe", lines, shapes) + counts * 2e-4
    data = np.random.default_rng(seed).poisson(mean).astype(np.uint32)
    place = {"scale": 0.5, "units": "nm", "navigate": True}
    axes = [{"name": name, "size": size, **place} for name, size in zip("yx", shape, strict=True)]
    axes.append({"name": "Energy", "size": 992, "scale": 0.02, "offset": 0.16, "units": "keV"})
    si = hs.signals.Signal1D(data, axes=axes)
    si.set_signal_type("EDS_TEM")
    si.set_microscope_parameters(beam_energy=200.0, energy_resolution_MnKa=130.0)
    si.set_elements(["Fe", "Pt"])
    si.set_lines(list(K))
    return si


@pytest.mark.parametrize(("fraction", "counts"), [(0.3, 400.0), (0.85, 1500.0)])
def test_fractions_and_errors_of_known_counts(fraction, counts):
    si = particles(counts, fraction=np.full((20, 30), fraction), seed=int(counts))
    maps = ht.composition.from_eds(si, kfactors=K, **WINDOWS, **QUIET)
    deviation = maps["Fe"].data - fraction
    ratio = deviation / maps.error.data[0]
    assert np.isfinite(deviation).all()
    assert abs(deviation.mean()) < 0.005
    # Five standard errors of the chi-square of 600 pixels are .29; the errors hold one count more.
    assert 0.85 < np.mean(ratio**2) < 1.15
    np.testing.assert_allclose(maps.data.sum(axis=0), 1.0, atol=1e-5)


def test_same_fractions_as_exspy_gives():
    si = particles(2000.0)
    windows = si.estimate_background_windows(line_width=[5.0, 2.0])
    intensities = si.get_lines_intensity(background_windows=windows)
    theirs = si.quantification(intensities, "CL", list(K.values()))
    maps = ht.composition.from_eds(si, kfactors=K, **WINDOWS, **QUIET)
    # Theirs has not the correction for the bias of a quotient.
    np.testing.assert_allclose(maps["Fe"].data, theirs[0].data / 100, atol=5e-4)
    given = ht.composition.from_map(theirs)
    np.testing.assert_allclose(given["Fe"].data, theirs[0].data / 100, atol=1e-6)
    assert given._unit == "nm"


def test_covariance_of_lines_with_common_background():
    counts, covariance = net_counts(
        [[100.0], [50.0]], [[40.0], [40.0]], [0.5, 0.25], np.ones((2, 2))
    )
    np.testing.assert_allclose(counts[:, 0], [80.0, 40.0])
    np.testing.assert_allclose(covariance[0, 1], 0.5 * 0.25 * 41)
    np.testing.assert_allclose(covariance[0, 0], 101 + 0.25 * 41)
    amounts, spread = cliff_lorimer(counts, covariance, np.array([1.0, 2.0]), np.array([10.0, 4.0]))
    np.testing.assert_allclose(amounts[:, 0], [8.0, 20.0])
    np.testing.assert_allclose(spread[0, 1], covariance[0, 1] * 0.1 * 0.5)
    assert fractions_of_amounts(amounts, spread).values[0, 0] == pytest.approx(8 / 28, rel=0.02)


def test_weak_pixels_are_withheld():
    maps = ht.composition.from_eds(particles(6.0), kfactors=K, **WINDOWS, **QUIET)
    assert np.isnan(maps.data).mean() > 0.9
    assert any("too few counts" in reason for reason in maps.report.withheld)


def test_lazy_spectra_give_the_same():
    si = particles()
    eager = ht.composition.from_eds(si, kfactors=K, **WINDOWS, **QUIET)
    lazy = ht.composition.from_eds(si.as_lazy(), kfactors=K, **WINDOWS, **QUIET)
    np.testing.assert_array_equal(lazy.data, eager.data)


def test_factors_by_line_element_or_order_are_the_same():
    si = particles(shape=(4, 5))
    by_line = ht.composition.from_eds(si, kfactors=K, **QUIET)
    for given in ({"Fe": K["Fe_Ka"], "Pt": K["Pt_La"]}, list(K.values())):
        np.testing.assert_array_equal(
            ht.composition.from_eds(si, kfactors=given, **QUIET).data, by_line.data
        )
    order = ht.composition.from_eds(si, ["Pt", "Fe"], kfactors=K, **QUIET)
    assert order.elements == ("Pt", "Fe")
    np.testing.assert_array_equal(order.data, by_line.data[::-1])


def test_lines_are_found_for_elements_that_have_none():
    si = particles(shape=(4, 5))
    del si.metadata.Sample.xray_lines
    found = ht.composition.from_eds(si, ["Fe", "Pt"], kfactors=K, **QUIET)
    assert "Fe_Ka" in found.report.method and "Pt_La" in found.report.method
    assert not si.metadata.has_item("Sample.xray_lines")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "k-factors are missing for Fe_Ka, Pt_La"),
        ({"kfactors": {"Fe": 1.4}}, "k-factors are missing for Pt_La"),
        ({"kfactors": [1.0]}, "1 k-factors are given for Fe_Ka, Pt_La"),
        ({"kfactors": [1.0, -1.0]}, "positive"),
        ({"kfactors": K, "elements": ["Fe"]}, "at least two"),
        ({"kfactors": K, "elements": ["Fe", "Q"]}, "unknown elements: Q"),
        ({"kfactors": K, "lines": ["Fe_Ka"]}, "none of Pt"),
        ({"kfactors": K, "lines": ["Fe_Ka", "Fe_Kb", "Pt_La"]}, "choose one"),
        ({"kfactors": K, "lines": ["Fe_Ka", "Pt_Xx"]}, "no line 'Pt_Xx'"),
        ({"kfactors": K, "lines": ["Fe_Ka", "Pt_Ka"]}, "between 0.16 and 20"),
        ({"kfactors": K, "background": (100.0, 2.0)}, "lie outside"),
    ],
)
def test_what_is_missing_is_named(options, said):
    with pytest.raises(ValueError, match=said):
        ht.composition.from_eds(particles(shape=(3, 3)), **options, **QUIET)


def test_spectra_without_lines_are_refused():
    si = particles(shape=(5, 5))
    si.data = np.random.default_rng(0).poisson(0.1, si.data.shape)
    with pytest.raises(ValueError, match="no line is seen"):
        ht.composition.from_eds(si, kfactors=K, **QUIET)


def test_other_types_of_spectra_are_refused():
    si = particles(shape=(3, 3))
    si.set_signal_type("EDS_SEM")
    with pytest.raises(ValueError, match="EDS_TEM"):
        ht.composition.from_eds(si, kfactors=K, **QUIET)


# ---- real spectrum images ----


@pytest.fixture(scope="module")
def real(shared_file):
    return ht.load(shared_file("data/FePt_core_shell_EDS.hspy"))


def test_whole_map_of_the_core_shell_particles(real):
    whole = ht.composition.from_eds(real.sum(), kfactors=K, **WINDOWS, **QUIET)
    np.testing.assert_allclose(whole.data.ravel(), [0.798, 0.202], atol=0.003)
    assert 0.001 < whole.error.data[0, 0, 0] < 0.003
    assert "absorption" in str(whole.report)


def test_cores_of_the_core_shell_particles(real):
    """The 53 pixels that are brightest in platinum, smoothed over two pixels."""
    platinum = real.get_lines_intensity(
        ["Pt_La"],
        background_windows=real.estimate_background_windows(
            line_width=[5.0, 2.0], xray_lines=["Pt_La"]
        ),
    )[0]
    smooth = ndimage.gaussian_filter(platinum.data, 2.0)
    core = smooth >= np.sort(smooth.ravel())[-53]
    spectrum = real.inav[0, 0].deepcopy()
    spectrum.data = real.data[core].sum(axis=0)
    found = ht.composition.from_eds(spectrum, kfactors=K, **WINDOWS, **QUIET)
    assert found["Fe"].data[0, 0] == pytest.approx(0.42, abs=0.02)
    pixels = ht.composition.from_eds(real, kfactors=K, **WINDOWS, **QUIET)
    inside = pixels["Fe"].data[core]
    assert np.nanmean(inside) == pytest.approx(0.42, abs=0.03)


def test_map_beside_its_image_in_one_file(shared_file):
    """IDP_0.bcf holds an image and spectra: both keep their types, and the map its grid in nm."""
    image, si = ht.load(shared_file("data/IDP_0.bcf"))
    assert type(image) is ht.Micrograph and si.metadata.Signal.signal_type == "EDS_TEM"
    with pytest.raises(ValueError, match="k-factors are missing for Al_Ka, C_Ka"):
        ht.composition.from_eds(si, **QUIET)
    factors = {"O": 1.6, "Si": 1.0, "Fe": 1.3}
    maps = ht.composition.from_eds(si.rebin(scale=(16, 16, 1)), list(factors), kfactors=factors)
    assert maps._unit == "nm"
    axis = maps.axes_manager.signal_axes[0]
    assert axis.scale * axis.size == pytest.approx(256 * image.axes_manager[0].scale, rel=1e-3)
    assert "below 2 keV (O_Ka, Si_Ka)" in str(maps.report)


def test_image_and_spectrum_in_one_file_keep_their_types(shared_file):
    image, spectrum = ht.load(shared_file("data/multi_signal_no_lattice.dm3"))
    assert type(image) is ht.Micrograph
    assert type(spectrum) is hs.signals.Signal1D
    with pytest.raises(ValueError, match="EDS_TEM"):
        ht.composition.from_eds(spectrum, ["Si", "O"], kfactors=[1.0, 1.0])
    with pytest.raises(ValueError, match="in eV"):
        ht.composition.from_eels(spectrum, ["Si", "O"])
