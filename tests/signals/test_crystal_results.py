"""What follows from indexed regions: maps, orientation relations, and the true pixel size."""

from __future__ import annotations

from dataclasses import replace

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.core import Calibration
from hyperspy_twin.crystals.structures import catalogue


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def graphene(shared_file):
    """Two grains of graphene, an image without a pixel size."""
    image = ht.load(shared_file("data/graphene_defect_raw.dm3"))
    found = image.segment().find_peaks(show_progressbar=False)
    return found.index_phases(["graphene"], zone_axes=[(0, 0, 1)])


def wrong_scale(chain, x, y):
    """Indexed spectrum of the quantum well with a wrong pixel size."""
    image = ht.Micrograph(chain.micrograph.data)
    true = chain.micrograph.axes_manager.signal_axes
    for axis, seen, factor in zip(image.axes_manager.signal_axes, true, (x, y), strict=True):
        axis.scale, axis.units, axis.name = seen.scale / factor, "nm", seen.name
        axis.offset = 2.0
    labels = chain.segmented.labels.data
    found = ht.SegmentedImage.from_labels(image, labels).find_peaks(show_progressbar=False)
    return found.index_phases(["Ge"])


def test_crystal_map_of_the_image(chain):
    found = chain.indexed.crystal_map(step=4)
    labels = chain.segmented.labels.data[::4, ::4]
    assert found.shape == labels.shape
    assert found.scan_unit == "nm"
    assert found.phases["Ge"].point_group.name == "m-3m"
    np.testing.assert_array_equal(found.region, labels[labels > 0])
    assert found.dx == pytest.approx(4 * chain.micrograph.axes_manager["x"].scale)


def test_pixels_without_a_phase_are_not_in_the_data(graphene):
    found = graphene.crystal_map(step=3)
    indexed = [record.region for record in graphene.phases if record.phase]
    assert set(np.unique(found.region)) == set(indexed)
    assert 0.8 < found.is_in_data.mean() < 1


def test_orientation_map_is_an_image_in_colours(chain):
    found = chain.indexed.orientation_map()
    assert found.data.dtype.names == ("R", "G", "B")
    assert found.axes_manager.signal_shape == chain.micrograph.axes_manager.signal_shape
    assert found.axes_manager["x"].units == "nm"
    # [110] of a cubic crystal is green.
    assert found.data["G"].min() > 250 and found.data["R"].max() < 5
    found.plot()


def test_orientation_map_has_the_legend_of_each_phase(chain):
    figure = chain.indexed.accept_phase(2, "Si").plot_orientation_map(direction=(1, 0, 0))
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["", "Ge (m-3m)", "Si (m-3m)"]
    assert figure.get_suptitle() == "Crystal direction along x"
    figure.canvas.draw()


def test_regions_are_tinted_by_phase(chain):
    chain.segmented.plot(phases=chain.indexed.accept_phase(2, "Si"))
    areas, _, names = chain.segmented._plot.signal_plot.ax_markers
    assert list(names.kwargs["texts"]) == [r"Ge $[110]$", r"Si $[110]$", r"Ge $[110]$"]
    first, second, third = areas.kwargs["facecolor"]
    assert first == third != second
    assert not chain.segmented.metadata.has_item("Markers")


def test_a_hole_is_not_tinted():
    """A ring-shaped region is one polygon that leaves the region inside it free."""
    from matplotlib.path import Path

    from hyperspy_twin.signals._figures.markers import join_rings

    def square(size):
        return np.array([[-size, -size], [size, -size], [size, size], [-size, size]], float)

    for hole in (square(3), square(3)[::-1]):
        for rings in ([square(5), hole, square(1)], [hole, square(1), square(5)]):
            polygon = Path(join_rings(rings))
            inside = [polygon.contains_point((x, 0.1)) for x in (0.0, 2.0, 4.0, 6.0)]
            assert inside == [True, False, True, False]


def test_phases_of_another_image_are_refused(chain):
    fewer = chain.segmented.merge_regions([1, 2])
    with pytest.raises(ValueError, match="another segmentation"):
        fewer.plot(phases=chain.indexed)
    with pytest.raises(ValueError, match="index_phases"):
        chain.segmented.plot(phases=chain.found)


def test_relations_of_a_coherent_well(chain):
    """The same cube-on-cube orientation; a misfit across the interface only."""
    found = chain.indexed.epitaxy()
    assert {(row["first"], row["second"]) for row in found} == {(1, 2), (2, 3)}
    truth = chain.micrograph.truth
    strain = np.nanmedian(truth.strain["e_yy"][truth.labels == 2])
    for row in found:
        assert abs(row["angle"]) < 0.2 and row["misorientation"] < 0.3
        assert row["plane_first"].tolist() == row["plane_second"].tolist()
        assert row["zone_axis_first"].tolist() == [1, 1, 0]
        across = abs(row["plane_first"]).tolist() == [0, 0, 1]
        sign = 1 if row["first"] == 1 else -1
        expected = 100 * sign * strain if across else 0.0
        assert row["measured_misfit"] == pytest.approx(expected, abs=0.25)
        assert 0 < row["measured_error"] < 0.1


def test_relations_of_grains_of_graphene(graphene):
    found = graphene.epitaxy()
    assert len(found) >= 1
    assert np.allclose(found["misorientation"], found["misorientation"][0])
    assert 20 < found["misorientation"][0] <= 30.001
    assert np.abs(found["axis"]).tolist() == [[0, 0, 1]] * len(found)


def test_report_shows_the_relations(chain, tmp_path):
    from hyperspy_twin.report import SECTIONS

    _, _, body = SECTIONS["indexed"](chain.indexed, tmp_path)
    assert "(001) Ge ∥ (001) Ge, [110] ∥ [110] along the beam" in body
    assert "<p>Calibration: x 0.03" in body and "the crystals of regions 1, 2, 3" in body
    alone = chain.indexed.constrain_phases(phase="Ge", zone_axis=(1, 0, 0))
    assert "No calibration by the crystals" in SECTIONS["indexed"](alone, tmp_path)[2]


def test_wrong_pixel_size_is_measured_and_corrected(chain, tmp_path):
    """Pixels are really 4 % larger along x and 2 % along y than the file says."""
    truth = chain.indexed.calibration
    wrong = wrong_scale(chain, 1.04, 1.02)
    found = wrong.calibration
    # The barriers are no pure germanium: compare with the same image at the true pixel size.
    assert found.pixel_size == pytest.approx(truth.pixel_size, rel=1e-3)
    assert found.anisotropy - truth.anisotropy == pytest.approx(2.0, abs=0.1)
    assert 0.001 < found.scale_error < 0.01
    assert found.unit == "nm" and found.regions == (1, 2, 3)

    wrong.apply_calibration().save(tmp_path / "right.hspy")
    right = hs.load(tmp_path / "right.hspy")
    assert right.calibration.pixel_size == pytest.approx(found.pixel_size, rel=1e-4)
    assert right.calibration.scale == pytest.approx(1, abs=1e-4)
    assert right.calibration.anisotropy == pytest.approx(0, abs=0.02)
    np.testing.assert_array_equal(right.image()[0], wrong.image()[0])
    factors = np.divide(found.pixel_size, wrong.image()[1].scale)
    for name, factor in (("x", factors[0]), ("y", factors[1])):
        old, new = wrong.peaks(), right.peaks()
        np.testing.assert_allclose(new[name], old[name] / factor)
        np.testing.assert_allclose(new[f"error_{name}"], old[f"error_{name}"] / factor)
        axis, before = right.axes_manager[name], wrong.axes_manager[name]
        assert axis.scale == pytest.approx(before.scale / factor)
        assert axis.units == "1/nm"
    np.testing.assert_allclose(right.image()[1].offset, 2.0 * factors)
    np.testing.assert_array_equal(right._labels, chain.segmented.labels.data)
    assert all(record.scale == pytest.approx(1, abs=0.02) for record in right.phases)
    assert right.history[-1]["step"] == "apply_calibration"
    report = Calibration.from_json(right.metadata.Twin.calibration)
    assert report.pixel_size == pytest.approx(found.pixel_size)
    assert report.source == "the crystals of regions 1, 2, 3"


def test_chain_goes_on_with_true_lengths(chain):
    wrong = wrong_scale(chain, 1.04, 1.04)
    right = wrong.apply_calibration()
    strain = right.gpa()
    assert strain.axes_manager["x"].scale == pytest.approx(right.calibration.pixel_size[0])
    model = strain.to_atoms(thickness=1.0)
    width = right.image()[1].extent[0]
    assert np.ptp(model.positions[:, 0]) / 10 == pytest.approx(width, rel=0.1)
    again = right.index_phases(["Ge"])
    assert again.phases[1].scale == pytest.approx(1, abs=0.02)


def test_applied_twice_changes_nothing_more(chain):
    once = wrong_scale(chain, 1.03, 0.98).apply_calibration()
    twice = once.apply_calibration()
    assert twice.image()[1].scale == pytest.approx(once.image()[1].scale, rel=1e-4)


def test_image_without_a_scale_becomes_calibrated(graphene):
    right = graphene.apply_calibration()
    assert right.axes_manager["x"].units == "1/nm"
    found = right.calibration
    assert found.scale == pytest.approx(1, abs=1e-3) and found.unit == "nm"
    peaks = right.peaks()
    first = np.hypot(peaks["x"], peaks["y"])[peaks["h"] ** 2 + peaks["k"] ** 2 == 1]
    # {10-10} of graphene: sqrt(3)/2 of 0.246 nm.
    assert np.median(first) == pytest.approx(1 / (0.246 * np.sqrt(0.75)), rel=0.03)
    assert right.gpa().axes_manager["x"].units == "nm"
    rings = right.regions
    assert rings.columns == graphene.regions.columns


def test_ties_leave_the_pixel_size_open(chain, tied):
    with pytest.raises(ValueError, match=r"tied.*region 1: (Si = Ge|Ge = Si).*accept"):
        tied.apply_calibration()
    one = tied.accept_phase(3, "Ge")
    assert one.calibration.regions == (3,)
    pixel = chain.micrograph.axes_manager["x"].scale
    assert one.calibration.pixel_size[0] == pytest.approx(pixel, rel=0.03)


def test_ties_of_one_size_leave_nothing_open(chain):
    """A tie that asks for the same scale does not matter to the pixel size."""
    records = list(chain.indexed.phases)
    oriented = records[0].match.oriented
    other = replace(oriented, crystal=replace(catalogue.get("Ge"), name="twin"))
    twin = replace(records[0].match, oriented=other)
    ranking = (*records[0].ranking, twin)
    records[0] = replace(records[0], ties=("twin",), ranking=ranking)
    same = chain.indexed._with_phases(records, "ties", {})
    assert same.calibration.regions == (1, 2, 3)
    records[0] = replace(records[0], ties=("Ge [111]",))
    other_axis = chain.indexed._with_phases(records, "ties", {})
    assert other_axis.calibration.regions == (2, 3)


def test_without_an_indexed_region_there_is_no_calibration(chain, shared_file):
    nothing = chain.indexed.constrain_phases(phase="Ge", zone_axis=(1, 0, 0))
    with pytest.raises(ValueError, match="no region is indexed"):
        nothing.apply_calibration()
    with pytest.raises(ValueError, match="no region is indexed"):
        chain.found.calibration  # noqa: B018
    assert len(nothing.epitaxy()) == 0
    assert not nothing.crystal_map(step=8).is_in_data.any()


def test_spectrum_that_is_read_when_needed(chain, tmp_path):
    chain.indexed.save(tmp_path / "indexed.hspy")
    lazy = hs.load(tmp_path / "indexed.hspy", lazy=True)
    right = lazy.accept_phase(1, "Ge").apply_calibration()
    assert right._lazy
    assert right.calibration.scale == pytest.approx(1, abs=1e-4)
    assert len(lazy.epitaxy()) == 4


def test_cropped_spectrum_is_refused(chain):
    with pytest.raises(ValueError, match="cropped"):
        chain.indexed.isig[10:200, 10:200].apply_calibration()


@pytest.mark.parametrize(
    ("name", "candidates", "expected"),
    [("STO_ADF.hspy", "SrTiO3", 1.0), ("16_STOimage_1.ser", "SrTiO3", 0.966)],
)
def test_real_images(shared_file, name, candidates, expected):
    image = ht.load(shared_file(f"data/{name}"))
    found = image.segment().find_peaks(show_progressbar=False).index_phases([candidates])
    calibration = found.calibration
    assert calibration.scale == pytest.approx(expected, abs=0.01)
    assert 0.002 < calibration.scale_error < 0.02
    right = found.apply_calibration()
    assert right.calibration.scale == pytest.approx(1, abs=1e-3)
    found.plot()
    found.plot_orientation_map().canvas.draw()
