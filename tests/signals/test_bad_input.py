"""Wrong input gives a specific error, never a plausible number."""

from __future__ import annotations

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht


def micrograph(data, unit="nm", scale=0.03):
    signal = hs.signals.Signal2D(data)
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.units, axis.scale = name, unit, scale
    signal.set_signal_type("Micrograph")
    return signal


@pytest.fixture(scope="module")
def well():
    return ht.data.sige_quantum_well(shape=(300, 300), well_thickness=4.0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((0, 5)), "empty"),
        (np.zeros((1, 1)), "16"),
        (np.zeros((8, 400)), "16"),
        (np.full((64, 64), 3.0), "contrast"),
        (np.full((64, 64), np.nan), "not finite"),
    ],
)
def test_images_that_cannot_be_segmented(data, message):
    with pytest.raises(ValueError, match=message):
        micrograph(data).segment()


def test_stack_is_segmented_but_its_spectrum_is_that_of_one_image(well):
    stack = micrograph(np.stack([well.data] * 3))
    with pytest.raises(ValueError, match=r"stack of 3 images.*inav"):
        stack.segment(show_progressbar=False).find_peaks()


def test_a_single_nan_is_left_out_and_counted(well):
    """A value that is not finite is a bad pixel: the rest of the image is as good as before."""
    data = well.data.astype(float).copy()
    data[3, 4] = np.nan
    segmented = micrograph(data).segment()
    assert np.argwhere(segmented.bad_pixels.data).tolist() == [[3, 4]]
    assert "1 bad pixel" in segmented.history[-1]["outcome"]["bad_pixels"]
    assert np.isnan(segmented.data[3, 4])
    expected = micrograph(well.data.astype(float)).segment().labels.data
    assert np.mean(segmented.labels.data != expected) < 1e-3


def test_complex_and_rgb_images_are_refused():
    image = hs.signals.Signal2D(np.zeros((64, 64), complex))
    with pytest.raises(ValueError, match="real"):
        ht.Micrograph(image.data).segment()
    colour = np.zeros((64, 64), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(ValueError, match="real"):
        ht.Micrograph(colour).segment()


def test_eight_bit_and_boolean_shapes_of_the_same_image_agree(well):
    eight = np.clip(well.data, 0, 255).astype(np.uint8)
    one = micrograph(eight, scale=0.036).segment().labels.data
    two = micrograph(eight.astype(float), scale=0.036).segment().labels.data
    np.testing.assert_array_equal(one, two)


def test_chunked_lazy_image_gives_the_same_regions(well):
    lazy = ht.Micrograph(well.data).as_lazy()
    lazy.data = da.from_array(well.data, chunks=97)
    expected = ht.Micrograph(well.data).segment().labels.data
    np.testing.assert_array_equal(lazy.segment().labels.data, expected)


def test_image_without_a_scale_is_measured_in_pixels_until_a_length_is_needed(well):
    bare = ht.Micrograph(well.data)
    assert bare.calibration.pixel_size is None
    indexed = bare.segment().find_peaks(show_progressbar=False).index_phases(["Ge"])
    assert indexed.axes_manager.signal_axes[0].units == "1/px"
    assert indexed.phases[1].phase == "Ge"
    strain = indexed.gpa()
    assert strain.u_x.axes_manager.signal_axes[0].units == "px"
    with pytest.raises(ValueError, match="pixel size is missing: call s.calibrate"):
        strain.to_atoms()


def test_calibrated_afterwards_the_chain_reaches_atoms(well):
    bare = ht.Micrograph(well.data)
    bare.calibrate(0.036)
    assert bare.calibration.pixel_size == (0.036, 0.036)
    strain = bare.segment().find_peaks(show_progressbar=False).index_phases(["Ge"]).gpa()
    assert len(strain.to_atoms(1.0).data) > 100


def test_other_units_of_length_are_converted_and_left_alone(well):
    micron = micrograph(well.data, unit="µm", scale=3.6e-5)
    segmented = micron.segment()
    assert segmented.axes_manager.signal_axes[0].scale == pytest.approx(0.036)
    assert segmented.axes_manager.signal_axes[0].units == "nm"
    assert micron.axes_manager.signal_axes[0].units == "µm"
    assert micron.axes_manager.signal_axes[0].scale == 3.6e-5


@pytest.mark.parametrize(
    "arguments",
    [{"pixel_size": -1}, {"pixel_size": 0.1, "scale_bar": (5, 100)}, {"scale_bar": (5, 0)},
     {"spacing": (0.0, 0.2)}, {"pixel_size": 0.1, "x0": 1, "interactive": False}],
)  # fmt: skip
def test_calibration_needs_exactly_one_sensible_value(well, arguments):
    with pytest.raises(ValueError):
        well.deepcopy().calibrate(**arguments)


def test_calibration_takes_the_arguments_of_hyperspy(well):
    """Two points and the length between them, in any unit of length."""
    line = {"x0": 10, "y0": 20, "x1": 10, "y1": 120, "new_length": 36.0, "units": "Å"}
    for arguments in ((), tuple(line.values())):
        image = ht.Micrograph(well.data)
        image.calibrate(*arguments, **({} if arguments else line), interactive=False)
        assert image.calibration.pixel_size == pytest.approx((0.036, 0.036))
        assert image.axes_manager["x"].units == "nm"
        assert "line" in image.calibration.source


def test_maxima_of_an_image_are_found_as_hyperspy_does(well):
    with pytest.raises(TypeError, match=r"s\.segment\(\)\.find_peaks\(\)"):
        well.find_peaks()
    found = well.isig[:40, :40].find_peaks(interactive=False)
    assert found.data[()].shape[-1] == 2 if found.data.shape == () else len(found.data)
    well.isig[:40, :40].find_peaks("max", interactive=False)


@pytest.mark.parametrize(
    ("candidates", "error"),
    [
        (["Unobtainium"], ValueError),
        ([], ValueError),
        (["missing.cif"], FileNotFoundError),
        ([3.14], TypeError),
    ],
)
def test_unknown_candidates(chain, candidates, error):
    with pytest.raises(error):
        chain.found.index_phases(candidates)


def test_broken_cif(chain, tmp_path):
    path = tmp_path / "broken.cif"
    path.write_text("data_x\n_cell_length_a 5.4\nloop_\n_atom_site_label\nSi1\n")
    with pytest.raises(ValueError, match=r"broken\.cif"):
        chain.found.index_phases([path])


def test_no_argument_takes_the_elements_of_the_sample(chain):
    found = chain.found.deepcopy()
    assert set(found.metadata.Sample.elements) == {"Si", "Ge"}
    names = {match.phase for match in found.index_phases().phases[1].ranking}
    assert {"Si", "Ge"} <= names
    del found.metadata.Sample
    with pytest.raises(ValueError, match="no candidate phases"):
        found.index_phases()


@pytest.mark.parametrize("thickness", [0, -1.0, np.nan, np.inf])
def test_impossible_thickness(chain, thickness):
    with pytest.raises(ValueError, match="thickness"):
        chain.strain.to_atoms(thickness)


def test_model_needs_indexed_phases(chain):
    strain = chain.found.gpa()
    with pytest.raises(ValueError, match="index_phases"):
        strain.to_atoms()


def test_cropped_spectrum_cannot_go_on(chain):
    with pytest.raises(ValueError, match="cropped"):
        chain.indexed.isig[10:-10, :].gpa()


def test_image_without_a_lattice_stops_with_a_reason():
    noise = np.random.default_rng(0).normal(size=(200, 200))
    indexed = micrograph(noise).segment().find_peaks(show_progressbar=False).index_phases(["Si"])
    assert all(record.phase is None for record in indexed.phases)
    assert "no peak stands out from the noise" in indexed.phases[1].reason
    with pytest.raises(ValueError, match="no region has a lattice"):
        indexed.gpa()


def test_region_and_reference_must_exist(chain):
    with pytest.raises(ValueError, match="no region 77"):
        chain.found.peaks(77)
    with pytest.raises(ValueError, match="region 77 cannot be the reference"):
        chain.indexed.gpa(reference=77)


@pytest.mark.parametrize(
    ("step", "method", "owner"),
    [
        ("micrograph", "gpa", "IndexedFFT"),
        ("segmented", "index_phases", "IndexedFFT"),
        ("indexed", "to_atoms", "StrainMap"),
        ("strain", "write", "AtomicModel"),
        ("model", "segment", "Micrograph"),
    ],
)
def test_step_on_the_wrong_type_says_where_it_belongs(chain, step, method, owner):
    with pytest.raises(AttributeError, match=f"'{method}': it belongs to {owner}"):
        getattr(getattr(chain, step), method)
    assert not hasattr(getattr(chain, step), method)


def test_truth_is_known_of_samples_only(well):
    assert well.truth.labels.shape == (300, 300)
    with pytest.raises(ValueError, match="samples"):
        _ = ht.Micrograph(np.zeros((20, 20))).truth


def test_sliced_model_says_what_is_missing(chain):
    part = chain.model.isig[:3]
    assert "AtomicModel" in repr(part)
    with pytest.raises(ValueError, match="columns of this model were sliced away"):
        _ = part.positions
