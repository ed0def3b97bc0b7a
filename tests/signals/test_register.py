"""Maps on micrographs: which way they are placed, what is kept, and what is refused."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.core import Placement
from hyperspy_twin.signals import Micrograph

SURVEY, HAADF, EELS, GRID = "SI-Survey.dm3", "SI-HAADF.dm3", "SI-EELS.dm3", "IDP_0.bcf"
RECTANGLE = np.array([[213.0, 52.0], [259.0, 428.0]])


def maps_of(scan, fraction=None):
    """Maps of La and Ti with the axes and tags of a spectrum image."""
    total = scan.sum(-1).as_signal2D((0, 1))
    if fraction is None:
        fraction = np.random.default_rng(0).uniform(0.2, 0.8, total.data.shape)
    pair = [total.deepcopy(), total.deepcopy()]
    pair[0].data, pair[1].data = fraction, 1 - fraction
    return ht.composition.from_map(pair, ["La", "Ti"])


def small_maps(shape=(8, 6), scale=2.0, units="nm"):
    fraction = np.random.default_rng(1).uniform(0.2, 0.8, shape)
    pair = [hs.signals.Signal2D(one) for one in (fraction, 1 - fraction)]
    for one in pair:
        for axis in one.axes_manager.signal_axes:
            axis.scale, axis.units = scale, units
    return ht.composition.from_map(pair, ["Si", "Ge"])


def micrograph(shape=(60, 50), pixel=1.0):
    image = hs.signals.Signal2D(np.random.default_rng(2).normal(100, 5, shape))
    image.set_signal_type("Micrograph")
    if pixel:
        image.calibrate(pixel)
    return image


@pytest.fixture(scope="module")
def trio(shared_file):
    return [ht.load(shared_file(f"data/{name}")) for name in (SURVEY, HAADF, EELS)]


@pytest.fixture(scope="module")
def tracked(trio):
    survey, haadf, eels = trio
    return maps_of(eels).register(survey, simultaneous=haadf)


def test_tags_place_the_map_on_its_survey(trio):
    placed = maps_of(trio[2]).register(trio[0]).placement
    assert placed.method == "tags"
    # Tags count from the outer edge of the first pixel, axes from its centre.
    corners = np.array([[-0.5, -0.5, 1.0], [5.5, 48.5, 1.0]]) @ placed.matrix.T
    np.testing.assert_allclose(corners, RECTANGLE - 0.5, atol=1e-9)
    assert not placed.row_shifts.any()


def test_first_rows_lie_where_the_tags_have_them_and_later_ones_drift(tracked):
    placed = tracked.placement
    assert placed.method == "tags and drift"
    assert placed.probability > 0.99
    rows = np.column_stack([np.full(49, 2.5), np.arange(49.0), np.ones(49)])
    scale = 46 / 6, 376 / 49
    tagged = RECTANGLE[0] - 0.5 + (rows[:, :2] + 0.5) * scale
    away = (rows @ placed.matrix.T + placed.row_shifts - tagged) / scale
    assert np.hypot(*away[:8].T).max() < 0.6
    # The tags are off by 1.2 pixels of the map in the first half, and by 4.4 in the last row.
    assert np.sqrt(np.mean(np.square(away[:21]).sum(axis=1))) < 1.0
    assert 4.0 < np.hypot(*away[-1]) < 4.8
    # No step is that of a hop, which is 2 or 2.7 pixels of the map.
    assert np.hypot(*np.diff(away, axis=0).T).max() < 1.2
    assert np.sqrt(np.diag(placed.covariance)).max() / 7.67 < 0.3


@pytest.mark.slow
def test_columns_of_atoms_agree_after_tracking(trio, tracked):
    """Independent of the fit: the brightest points of both images lie on one another."""
    from scipy.ndimage import gaussian_filter, maximum_filter

    survey, haadf, _ = trio
    placed = tracked.placement
    seen = gaussian_filter(haadf.data.astype(float), 12)
    row, column = np.nonzero(seen == maximum_filter(seen, (75, 51)))
    inner = (np.abs(column - 95.5) < 70) & (row > 60) & (row < 1500)
    fine = np.column_stack([column, row])[inner]
    scan = (fine + 0.5) / 32 - 0.5
    number = np.rint(scan[:, 1]).astype(int)
    found = (
        np.column_stack([scan, np.ones(len(scan))]) @ placed.matrix.T + placed.row_shifts[number]
    )
    smooth = gaussian_filter(survey.data.astype(float), 2)
    y, x = np.nonzero(smooth == maximum_filter(smooth, 11))
    distance = np.hypot(found[:, :1] - x, found[:, 1:] - y).min(axis=1)
    assert len(found) > 15
    # By chance it would be .75 pixels of the map, a quarter of the diagonal of the cell.
    assert np.median(distance) / 7.67 < 0.35


def test_image_of_the_same_scan_has_the_same_area(trio):
    placed = maps_of(trio[2]).register(trio[1]).placement
    assert placed.method == "same grid"
    np.testing.assert_allclose(placed.matrix, [[32.0, 0.0, 15.5], [0.0, 32.0, 15.5]])


def test_cropped_survey_and_map_keep_their_places(trio):
    survey, _, eels = trio
    maps = maps_of(eels)
    whole = maps.register(survey).placement.matrix
    part = survey.isig[100:400, 20:480]
    np.testing.assert_allclose(maps.register(part).placement.matrix, whole, atol=1e-9)
    np.testing.assert_allclose(
        maps.isig[:, 10:40].register(part).placement.matrix, whole, atol=1e-9
    )
    with pytest.raises(ValueError, match="does not overlap"):
        maps.register(survey.isig[300:, :])
    with pytest.raises(ValueError, match="binned.*as they were loaded"):
        maps.register(survey.rebin(scale=(2, 2)))


def test_without_tags_the_place_is_refused(trio):
    survey, haadf, eels = trio
    bare = maps_of(eels)
    del bare.original_metadata.ImageList
    with pytest.raises(
        ValueError, match="pixel size of maps and micrograph is missing.*placement="
    ):
        bare.register(survey)


@pytest.mark.slow
def test_without_tags_a_search_runs_to_ties_and_is_refused(trio):
    """Lattice and layers repeat: with the right pixel sizes the place is still not known."""
    survey, haadf, eels = (one.deepcopy() for one in trio)
    survey.calibrate(0.026)
    eels.axes_manager[0].units = eels.axes_manager[1].units = "nm"
    eels.axes_manager[0].scale = eels.axes_manager[1].scale = 0.026 * 7.67
    bare = maps_of(eels)
    del bare.original_metadata.ImageList
    with pytest.raises(ValueError, match="not sure.*placement="):
        bare.register(survey, simultaneous=haadf, angle=3, scale=0.02)


def test_map_and_image_of_one_file_share_a_grid(shared_file):
    image, scan = ht.load(shared_file(f"data/{GRID}"))
    maps = maps_of(scan.isig[:10])
    placed = maps.register(image).placement
    assert placed.method == "same grid"
    np.testing.assert_allclose(placed.matrix, np.eye(2, 3), atol=1e-6)
    assert not placed.covariance.any()


def test_placement_survives_file_slices_and_copies(tracked, tmp_path):
    tracked.save(tmp_path / "maps.hspy")
    for one in (hs.load(tmp_path / "maps.hspy"), tracked.deepcopy(), tracked.as_lazy()):
        np.testing.assert_array_equal(one.placement.matrix, tracked.placement.matrix)
        np.testing.assert_array_equal(one.placement.row_shifts, tracked.placement.row_shifts)
    part = tracked.isig[:, 10:40]
    np.testing.assert_allclose(part.placement.row_shifts, tracked.placement.row_shifts[10:40])
    np.testing.assert_array_equal(part.placement.matrix, tracked.placement.matrix)
    assert "register" in tracked.metadata.Twin.history[-1]
    assert "tags and drift" in repr(tracked)


@pytest.mark.parametrize("form", ["matrix", "rectangle", "placement"])
def test_given_places(form):
    maps, image = small_maps(), micrograph()
    matrix = np.array([[1.0, 0.0, 11.0], [0.0, 1.0, 21.0]])
    given = {
        "matrix": matrix,
        "rectangle": hs.roi.RectangularROI(10.0, 20.0, 22.0, 36.0),
        "placement": Placement(matrix, np.zeros((8, 2)), np.eye(2), "image", 0.9),
    }[form]
    placed = maps.register(image, given).placement
    assert placed.method == "given"
    np.testing.assert_allclose(placed.matrix, matrix)
    assert maps.placement is None


def test_bad_places_and_images_are_refused():
    maps, image = small_maps(), micrograph()
    with pytest.raises(ValueError, match="does not overlap"):
        maps.register(image, hs.roi.RectangularROI(100.0, 20.0, 112.0, 36.0))
    with pytest.raises(ValueError, match="RectangularROI"):
        maps.register(image, "upper left")
    with pytest.raises(TypeError, match="has to be a Micrograph, not Signal2D"):
        maps.register(hs.signals.Signal2D(np.ones((9, 9))))
    with pytest.raises(ValueError, match="stack"):
        maps.register(hs.stack([image, image]))
    with pytest.raises(ValueError, match="pixel size of micrograph is missing"):
        maps.register(micrograph(pixel=None))
    with pytest.raises(ValueError, match="not sure|not lie"):
        maps.register(image)
    with pytest.raises(ValueError, match="call maps.register"):
        maps.plot_overlay(image)


def test_parts_are_not_taken_for_the_whole_area(trio):
    """28 rows hold a whole number of pixels of the image as well, and other ones."""
    survey, haadf, eels = trio
    with pytest.raises(ValueError, match="cover the same area"):
        maps_of(eels).isig[:, 10:38].register(survey, simultaneous=haadf)
    with pytest.raises(ValueError, match="cover the same area"):
        maps_of(eels).register(survey, simultaneous=haadf.isig[:, :784])
    with pytest.raises(ValueError, match="cover the same area"):
        small_maps().register(micrograph(), simultaneous=micrograph((16, 12), 2.0))


def test_image_of_another_scan_is_refused(trio):
    survey, haadf, eels = trio
    other = haadf.deepcopy()
    acquisition = other.original_metadata.ImageList.TagGroup0.ImageTags.SI.Acquisition
    acquisition.set_item("Survey Image.Spectrum Image Rect", (1, 2, 3, 4))
    with pytest.raises(ValueError, match="another scan"):
        maps_of(eels).register(survey, simultaneous=other)


def test_overlay_shows_rows_where_they_lie(trio, tracked):
    figure = tracked.plot_overlay(trio[0], "La")
    left, right, *_ = figure.axes
    assert "tags and drift" in figure.get_suptitle()
    outline = left.lines[0].get_xydata()
    placed = tracked.placement
    corner = placed.matrix @ [-0.5, -0.5, 1.0] + placed.row_shifts[0]
    assert np.hypot(*(outline - corner).T).min() < 1e-9
    (mesh,) = (one for one in right.collections if hasattr(one, "get_coordinates"))
    assert mesh.get_coordinates().shape == (98, 7, 2)
    with pytest.raises(KeyError, match="no element 'Sr'"):
        tracked.plot_overlay(trio[0], "Sr")


def test_micrograph_is_left_alone(trio):
    before = trio[0].data.copy()
    maps_of(trio[2]).register(trio[0])
    assert isinstance(trio[0], Micrograph)
    np.testing.assert_array_equal(trio[0].data, before)
