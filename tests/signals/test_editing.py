"""A person corrects a segmentation; each correction is a new signal with its step recorded."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht


def steps(signal):
    return [step["step"] for step in signal.history]


def test_merge_and_relabel(chain):
    merged = chain.segmented.merge_regions([1, 2])
    assert set(merged.regions["region"]) == {1, 3}
    assert merged.regions["area"].sum() == pytest.approx(chain.segmented.regions["area"].sum())
    assert set(merged.relabel_regions().regions["region"]) == {1, 2}
    assert set(merged.relabel_regions({3: 8}).regions["region"]) == {1, 8}
    assert steps(merged.relabel_regions()) == ["segment", "merge_regions", "relabel_regions"]
    assert set(chain.segmented.regions["region"]) == {1, 2, 3}


def test_removed_region_is_unassigned_and_has_no_peaks(chain):
    removed = chain.segmented.remove_regions([2])
    assert np.mean(removed.labels.data == 0) == pytest.approx(
        np.mean(chain.segmented.labels.data == 2)
    )
    assert set(removed.find_peaks(show_progressbar=False).crystallinity) == {1, 3}


def test_split_by_a_line_of_interest(chain):
    width = chain.segmented.axes_manager.signal_axes[0].high_value
    height = chain.segmented.axes_manager.signal_axes[1].high_value
    line = hs.roi.Line2DROI(width / 2, -1, width / 2, height + 1)
    assert len(chain.segmented.split_region(line).regions) == 6
    one = chain.segmented.split_region([(width / 2, -1), (width / 2, height + 1)], regions=[2])
    assert len(one.regions) == 4


@pytest.mark.parametrize(
    "shape",
    [
        hs.roi.RectangularROI(left=2, top=3, right=6, bottom=8),
        hs.roi.CircleROI(cx=5, cy=6, r=2),
        hs.roi.PolygonROI([(2, 3), (6, 3), (4, 9)]),
        [(2, 3), (6, 3), (6, 8)],
    ],
    ids=lambda shape: type(shape).__name__,
)
def test_regions_of_interest_become_regions(chain, shape):
    added = chain.segmented.add_region(shape)
    new = added.regions[added.regions["region"] == 4]
    assert 5 < new["area"][0] < 25
    assert added.regions["area"].sum() == pytest.approx(chain.segmented.regions["area"].sum())


def test_simplified_outlines_have_few_vertices_and_nearly_the_same_regions(chain):
    simple = chain.segmented.simplify_outlines(0.3)
    assert len(simple._outlines.vertices) < 0.4 * len(chain.segmented._outlines.vertices)
    assert np.mean(simple.labels.data == chain.segmented.labels.data) > 0.98


def test_known_labels_make_a_segmented_image(chain):
    labels = chain.micrograph.truth.labels
    for given in (labels, hs.signals.Signal2D(labels)):
        segmented = ht.SegmentedImage.from_labels(chain.micrograph, given)
        np.testing.assert_array_equal(segmented.labels.data, labels)
    plain = hs.signals.Signal2D(chain.micrograph.data)
    assert ht.SegmentedImage.from_labels(plain, labels).axes_manager[0].units == "px"


def test_corrected_segmentation_goes_through_the_chain(chain, tmp_path):
    labels = chain.micrograph.truth.labels
    segmented = ht.SegmentedImage.from_labels(chain.micrograph, labels).simplify_outlines(0.1)
    segmented.save(tmp_path / "corrected.hspy")
    again = hs.load(tmp_path / "corrected.hspy")
    model = (
        again.find_peaks(show_progressbar=False).index_phases(["Ge"]).gpa().to_atoms(thickness=1.0)
    )
    assert set(model.region) == {1, 2, 3}


def test_wrong_corrections_are_named(chain):
    with pytest.raises(ValueError, match="no region 9"):
        chain.segmented.merge_regions([1, 9])
    with pytest.raises(ValueError, match="Line2DROI"):
        chain.segmented.split_region("here")
    with pytest.raises(ValueError, match="RectangularROI"):
        chain.segmented.add_region(hs.roi.Point1DROI(3.0))
    with pytest.raises(ValueError, match="shape"):
        ht.SegmentedImage.from_labels(chain.micrograph, np.ones((3, 3), int))
    with pytest.raises(ValueError, match="integers"):
        ht.SegmentedImage.from_labels(chain.micrograph, chain.micrograph.data)
