"""Bad pixels and empty borders change nothing in what is found beside them."""

from __future__ import annotations

import logging

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hyperspy_twin as ht

PIXEL = 0.02  # nm
CUBIC = 0.5431  # nm, silicon


def silicon(rows, columns, *, seed=1):
    """Si [110] of Gaussian dumbbells on 30 counts, with noise of a tenth of the contrast."""
    y, x = np.mgrid[:rows, :columns] * PIXEL
    image = np.zeros((rows, columns))
    for shift_x, shift_y in ((0, 0), (0.5, 0.5)):
        for half in (0, 0.25):
            across = (x * np.sqrt(2) / CUBIC - shift_x + 0.5) % 1 - 0.5
            down = (y / CUBIC - shift_y - half + 0.5) % 1 - 0.5
            square = (across * CUBIC / np.sqrt(2)) ** 2 + (down * CUBIC) ** 2
            image += np.exp(-square / (2 * 0.05**2))
    noisy = image / image.max() + np.random.default_rng(seed).normal(0.3, 0.1, image.shape)
    return 100 * np.clip(noisy, 0, None)


def micrograph(data):
    signal = hs.signals.Signal2D(data)
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.units, axis.scale = name, "nm", PIXEL
    signal.set_signal_type("Micrograph")
    return signal


def chain(data, labels=None):
    image = micrograph(data)
    segmented = image.segment() if labels is None else ht.SegmentedImage.from_labels(image, labels)
    indexed = segmented.find_peaks(show_progressbar=False).index_phases(["Si", "Ge"])
    return segmented, indexed, indexed.gpa()


@pytest.fixture(scope="module")
def clean():
    return silicon(320, 320)


@pytest.fixture(scope="module")
def truth(clean):
    """What the chain finds in the clean image."""
    return chain(clean.astype("f4"))


@pytest.fixture(scope="module")
def reference(clean):
    """What the chain finds in the clean image with given regions, each once."""
    known = {}

    def find(labels):
        key = labels.tobytes()
        if key not in known:
            known[key] = chain(clean.astype("f4"), labels)
        return known[key]

    return find


def check(found, reference, valid):
    """The same crystal and strain as the clean image has in the same pixels."""
    segmented, indexed, strain = found
    assert list(indexed.crystallinity.values()) == ["single crystal"]
    assert indexed.phases[1].phase == "Si"
    assert not segmented.labels.data[~valid].any()
    assert segmented.labels.data[valid].mean() > 0.999
    assert np.isnan(strain.e_xx.data[~valid]).all()
    _, same, clean = reference(segmented.labels.data)
    # Peaks that are barely one come and go with any change of the noise.
    now, before = ((one.peaks(1)["probability"] > 0.9).sum() for one in (indexed, same))
    assert abs(int(now) - int(before)) <= 1
    for name in ("e_xx", "e_yy", "e_xy"):
        now, before = (np.nanstd(getattr(one, name).data) for one in (strain, clean))
        assert now < 1.1 * before
    sigma = strain.sigma.data / clean.sigma.data
    assert 0.9 < np.nanmedian(sigma) < 1.1


@pytest.mark.parametrize(("number", "value"), [(20, 5000), (1, 65535), (1, 1e6), (30, np.nan)])
def test_hot_pixels_change_nothing(clean, reference, number, value):
    image = clean.copy()
    where = np.random.default_rng(1).integers(5, 310, (number, 2))
    image[where[:, 0], where[:, 1]] = value
    found = chain(image.astype("f4"))
    check(found, reference, np.ones(image.shape, bool))
    assert found[2].bad_pixels.data.sum() == len(np.unique(where, axis=0))


def test_dead_and_saturated_rows_leave_one_crystal(clean, reference):
    image = clean.copy()
    image[100:102], image[233] = 0, 65535
    image[:, 50] = 65535
    found = chain(image.astype("u2"))
    check(found, reference, np.ones(image.shape, bool))
    assert found[0].history[-1]["outcome"]["bad_pixels"] == "3 rows, 1 column"


def test_a_wide_gap_belongs_to_no_region(clean, reference):
    image = clean.copy()
    image[150:170] = 0
    valid = np.ones(image.shape, bool)
    valid[150:170] = False
    check(chain(image.astype("u2")), reference, valid)


def borders():
    y, x = np.mgrid[:320, :320] - 159.5
    straight = np.zeros((320, 320), bool)
    straight[40:-25, 30:-45] = True
    turned = (np.abs(x * np.cos(0.3) + y * np.sin(0.3)) < 125) & (
        np.abs(y * np.cos(0.3) - x * np.sin(0.3)) < 125
    )
    return {"straight": straight, "turned": turned}


@pytest.mark.parametrize("shape", ["straight", "turned"])
@pytest.mark.parametrize("value", [0, 77, np.nan])
def test_borders_are_nothing(clean, reference, shape, value):
    valid = borders()[shape]
    image = np.where(valid, clean, value)
    found = chain(image.astype("f4" if np.isnan(value) else "u2"))
    check(found, reference, valid)
    assert found[1].bad_pixels.data[~valid].all()


@settings(max_examples=4, deadline=None, derandomize=True)
@given(
    pixels=st.lists(st.tuples(st.integers(0, 319), st.integers(0, 319)), max_size=40),
    values=st.sampled_from([(0, 65535), (1e6, -1e4), (np.inf, np.nan)]),
    rows=st.lists(st.integers(60, 250), max_size=2),
    columns=st.lists(st.integers(60, 250), max_size=2),
    border=st.tuples(*[st.integers(0, 50)] * 4),
    turn=st.sampled_from([0.0, 0.1, 0.8, 1.3]),
)
@example(
    pixels=[(312, 196)],
    values=(np.inf, np.nan),
    rows=[],
    columns=[200],
    border=(16, 5, 34, 49),
    turn=0.1,
)
def test_any_bad_pixels_lines_and_borders_change_nothing(
    clean, reference, pixels, values, rows, columns, border, turn
):
    y, x = np.mgrid[:320, :320] - 159.5
    across, down = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    top, bottom, left, right = border
    valid = (
        (down > top - 160) & (down < 160 - bottom) & (across > left - 160) & (across < 160 - right)
    )
    image = clean.copy()
    for number, place in enumerate(pixels):
        image[place] = values[number % 2]
    image[rows], image[:, columns] = 0, 65535
    image[~valid] = 0
    check(chain(image.astype("f4")), reference, valid)


def test_clean_images_are_what_they_were(truth):
    segmented, indexed, strain = truth
    for signal in truth:
        assert not signal.bad_pixels.data.any()
        assert not signal.metadata.has_item("Twin.bad_pixels")
        assert "left out" not in repr(signal)
    assert "bad_pixels" not in segmented.history[-1]["outcome"]
    np.testing.assert_array_equal(segmented._image, segmented.data)


# ---- to see and set them ----


@pytest.fixture
def marked(clean):
    """Image of one hot pixel, one NaN, and a border."""
    image = clean[:200, :260].copy()
    image[50, 60], image[70, 80], image[:, :20] = 1e5, np.nan, 0
    return micrograph(image.astype("f4"))


def test_they_are_an_image_on_the_same_axes(marked):
    bad = marked.bad_pixels
    assert bad.data.dtype == bool and bad.data.shape == (200, 260)
    assert bad.axes_manager.signal_axes[0].scale == PIXEL
    assert bad.data[50, 60] and bad.data[70, 80] and bad.data[:, :20].all()
    assert bad.data.sum() == 200 * 20 + 2


def test_data_are_not_altered_and_the_log_says_it_once(marked, caplog):
    before = marked.data.copy()
    with caplog.at_level(logging.WARNING, "hyperspy_twin"):
        segmented = marked.segment()
        found = segmented.find_peaks(show_progressbar=False)
    np.testing.assert_array_equal(marked.data, before)
    np.testing.assert_array_equal(segmented.data, before)
    said = [one for one in caplog.messages if "bad pixels" in one]
    assert said == ["left out, see bad_pixels: 2 bad pixels (0.0038 %), border 7.7 %"]
    for signal in (segmented, found):
        assert "left out: 2 bad pixels (0.0038 %), border 7.7 %" in repr(signal)


def test_a_mask_is_set_kept_and_taken_back(marked, tmp_path):
    mask = np.zeros((200, 260), bool)
    mask[3, 5] = mask[100:110, 40:60] = True
    marked.bad_pixels = mask
    mask[70, 80] = True  # a value that is no number stays bad
    np.testing.assert_array_equal(marked.bad_pixels.data, mask)
    np.testing.assert_array_equal(marked.isig[4:100, 2:].bad_pixels.data, mask[2:, 4:100])
    np.testing.assert_array_equal(marked.isig[::-1, :].bad_pixels.data, mask[:, ::-1])
    np.testing.assert_array_equal(marked.deepcopy().bad_pixels.data, mask)
    halved = marked.rebin(scale=(2, 2)).bad_pixels.data
    np.testing.assert_array_equal(halved, mask.reshape(100, 2, 130, 2).any(axis=(1, 3)))
    for kind in ("hspy", "zspy"):
        path = tmp_path / f"image.{kind}"
        marked.save(path)
        np.testing.assert_array_equal(hs.load(path).bad_pixels.data, mask)
    marked.calibrate(0.03)
    np.testing.assert_array_equal(marked.bad_pixels.data, mask)
    np.testing.assert_array_equal(marked.isig[4:100, 2:].bad_pixels.data, mask[2:, 4:100])
    segmented = marked.segment(method="edges")
    np.testing.assert_array_equal(segmented.bad_pixels.data, mask)
    assert not segmented.labels.data[100:110, 40:60].any()
    np.testing.assert_array_equal(segmented.isig[4:100, 2:].bad_pixels.data, mask[2:, 4:100])
    marked.bad_pixels = np.zeros(mask.shape, bool)
    assert marked.bad_pixels.data.sum() == 1
    marked.bad_pixels = None
    assert marked.bad_pixels.data.sum() == 200 * 20 + 2


def test_a_mask_follows_a_mirrored_image_through_calibration_and_segmentation(marked):
    mask = np.zeros((200, 260), bool)
    mask[3, 5] = mask[100:110, 40:60] = True
    marked.bad_pixels = mask
    mask[70, 80] = True  # a value that is no number stays bad
    mirrored = marked.isig[::-1, :]
    segmented = mirrored.segment(method="edges")
    np.testing.assert_array_equal(segmented.bad_pixels.data, mask[:, ::-1])
    mirrored.calibrate(0.03)
    np.testing.assert_array_equal(mirrored.bad_pixels.data, mask[:, ::-1])
    np.testing.assert_array_equal(
        mirrored.isig[4:100, 2:].bad_pixels.data, mask[2:, ::-1][:, 4:100]
    )


def test_a_mask_of_another_kind_is_refused(marked):
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        marked.bad_pixels = np.ones(3, bool)
    with pytest.raises(ValueError, match="True where"):
        marked.bad_pixels = marked.data
    with pytest.raises(ValueError, match="every pixel"):
        marked.bad_pixels = np.ones(marked.data.shape, bool)
    marked.bad_pixels = marked.bad_pixels
    segmented = marked.segment(method="edges")
    with pytest.raises(AttributeError, match="set on the micrograph"):
        segmented.bad_pixels = None


def test_regions_of_a_person_leave_out_what_is_empty(marked):
    labels = np.ones(marked.data.shape, int)
    segmented = ht.SegmentedImage.from_labels(marked, labels)
    assert not segmented.labels.data[:, :20].any()
    assert segmented.labels.data[:, 20:].all()
    drawn = segmented.add_region([(0, 0), (2, 0), (2, 3), (0, 3)])
    assert not drawn._labels[:, :20].any()
    assert np.isfinite(segmented.regions["mean"]).all()


@pytest.mark.parametrize("lazy", [False, True])
def test_each_image_of_a_stack_has_its_own(marked, clean, lazy):
    other = clean[:200, :260].astype("f4")
    stack = micrograph(np.stack([marked.data, other, marked.data, other]).reshape(2, 2, 200, 260))
    if lazy:
        stack = stack.as_lazy()
        stack.data = da.from_array(np.asarray(stack.data), chunks=(1, 1, 200, 130))
    counts = [[200 * 20 + 2, 0]] * 2
    assert stack.bad_pixels.data.sum(axis=(2, 3)).tolist() == counts
    segmented = stack.segment(method="edges", show_progressbar=False)
    assert segmented.bad_pixels.data.sum(axis=(2, 3)).tolist() == counts
    one = segmented.inav[0, 1]
    assert one.bad_pixels.data.sum() == counts[0][0]
    alone = marked.segment(method="edges")
    np.testing.assert_array_equal(one.labels.data, alone.labels.data)
    mask = np.zeros((2, 2, 200, 260), bool)
    mask[1, 0, 7, 8] = True
    stack.bad_pixels = mask
    assert stack.inav[0, 1].bad_pixels.data[7, 8]
    assert not stack.inav[1, 0].bad_pixels.data.any()


def test_lazy_image(marked):
    lazy = marked.as_lazy()
    np.testing.assert_array_equal(lazy.bad_pixels.data, marked.bad_pixels.data)
    assert lazy.segment(method="edges").bad_pixels.data.sum() == 200 * 20 + 2


def test_report_counts_them(marked, tmp_path):
    from hyperspy_twin.report import write_report

    write_report(marked, tmp_path, phases=["Si"], show_progressbar=False)
    assert "2 bad pixels (0.0038 %), border 7.7 %" in (tmp_path / "report.html").read_text()
