"""Segment Anything on images of known truth and on real files."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.segment_anything.mask_proposals import place_prompts
from hyperspy_twin.segmentation.segment_anything.sam_segmentation import segment_sam

INSTALLED = all(importlib.util.find_spec(name) for name in ("torch", "segment_anything"))
needs_networks = pytest.mark.skipif(
    not INSTALLED, reason="torch or segment-anything is not installed: the sam extra"
)


@pytest.fixture(scope="module")
def weights(request):
    return request.getfixturevalue("shared_file")("weights/mobile_sam.pt")


def segment(image, weights, scale=1.0, **options):
    options.setdefault("points_per_side", 4)
    return segment_sam(
        image, Grid(image.shape, (scale, scale)), checkpoint=weights, device="cpu", **options
    )


@needs_networks
def test_three_layers_of_a_16_bit_image_that_is_not_square(weights, adjusted_rand):
    row = np.arange(241)[:, None] + 0.05 * np.arange(333)
    truth = np.digitize(row, [80, 160]) + 1
    counts = np.random.default_rng(3).poisson(np.array([0, 400, 900, 600])[truth])
    image = (counts + 30000).astype(np.uint16)
    found = segment(image, weights, scale=0.5)
    assert found.labels.dtype == np.int32
    assert found.labels.shape == image.shape
    assert found.labels[[5, 120, 235], 160].tolist() == [1, 2, 3]
    assert adjusted_rand(found.labels, truth) > 0.95
    # The same again: an offset of the counts and the scale change nothing but the units.
    again = segment(image.astype(float) - 30000, weights, scale=1.0)
    np.testing.assert_array_equal(again.labels, found.labels)
    assert again.smoothing == pytest.approx(2 * found.smoothing)
    assert again.thresholds == pytest.approx(np.array(found.thresholds) / 2, rel=1e-3)


@needs_networks
def test_particles_on_a_film(weights, adjusted_rand):
    row, column = np.mgrid[:256, :256]
    truth = np.ones((256, 256), int)
    thickness = np.zeros(truth.shape)
    for number, (y, x, radius) in enumerate([(60, 60, 30), (70, 180, 38), (180, 110, 42)]):
        squared = ((row - y) ** 2 + (column - x) ** 2) / radius**2
        truth[squared < 1] = number + 2
        thickness += np.sqrt(np.maximum(1 - squared, 0))
    image = np.random.default_rng(4).poisson(100 * (1 + 1.5 * thickness)).astype(np.float32)
    found = segment(image, weights)
    assert found.labels.max() == 4
    assert adjusted_rand(found.labels, truth) > 0.9


@pytest.mark.slow
@needs_networks
def test_the_layers_of_a_needle_far_smaller_than_the_frame(weights, shared_file):
    hs = pytest.importorskip("hyperspy.api")
    image = hs.load(shared_file("data/etspy_needle_HAADF_proj00.hspy")).data
    found = segment(image, weights, points_per_side=16)
    along = found.labels[128, 20:240]
    first = along[np.flatnonzero(np.diff(along, prepend=-1))]
    # Substrate, six layers, vacuum: each once along the axis of the needle.
    assert len(first) == len(set(first)) == 8
    assert found.labels.max() == 8  # and no speck beside it


@needs_networks
def test_errors_of_the_image_name_the_cause(weights):
    grid = Grid((64, 64), (1.0, 1.0))
    with pytest.raises(ValueError, match="no contrast"):
        segment_sam(np.full((64, 64), 3.0), grid, checkpoint=weights)
    with pytest.raises(ValueError, match="NaN"):
        segment_sam(np.full((64, 64), np.nan), grid, checkpoint=weights)
    with pytest.raises(ValueError, match="at least 16"):
        segment_sam(np.zeros((8, 64)), Grid((8, 64), (1.0, 1.0)), checkpoint=weights)
    with pytest.raises(ValueError, match="the grid has"):
        segment_sam(np.zeros((64, 32)), grid, checkpoint=weights)
    image = np.arange(64.0**2).reshape(64, 64)
    with pytest.raises(ValueError, match="points_per_side"):
        segment_sam(image, grid, checkpoint=weights, points_per_side=1)
    with pytest.raises(ValueError, match="min_area"):
        segment_sam(image, grid, checkpoint=weights, min_area=-1.0)


@needs_networks
def test_weights_of_another_model_and_files_without_weights_are_errors(weights, tmp_path):
    image, grid = np.arange(64.0**2).reshape(64, 64), Grid((64, 64), (1.0, 1.0))
    with pytest.raises(ValueError, match="does not hold the weights of vit_b"):
        segment_sam(image, grid, model="vit_b", checkpoint=weights)
    text = tmp_path / "text.pt"
    text.write_text("not weights")
    with pytest.raises(ValueError, match="not a file of weights"):
        segment_sam(image, grid, checkpoint=text)


@pytest.mark.parametrize("missing", ["torch", "segment_anything"])
def test_without_the_extra_the_error_names_it(missing, tmp_path):
    if missing == "segment_anything" and not INSTALLED:
        pytest.skip("torch is not installed")
    (tmp_path / "weights.pt").touch()
    code = (
        "import sys, numpy as np\n"
        f"sys.modules[{missing!r}] = None\n"
        "from hyperspy_twin.core import Grid\n"
        "from hyperspy_twin.segmentation.segment_anything.sam_segmentation import segment_sam\n"
        "try:\n"
        "    segment_sam(np.eye(32), Grid((32, 32), (1, 1)), checkpoint=sys.argv[1])\n"
        "except ImportError as error:\n"
        "    sys.exit('hyperspy_twin[sam]' not in str(error))\n"
        "sys.exit(2)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "weights.pt")]
    assert subprocess.run(command).returncode == 0


def test_prompts_are_dense_only_where_the_picture_is_not_flat():
    flat = place_prompts(np.zeros((512, 1024)), per_side=16, flat=25.0)
    assert len(flat) == 4 * 8
    picture = np.zeros((512, 1024))
    picture[:, 480:] = 255.0  # the edge runs through one column of cells
    points = place_prompts(picture, per_side=16, flat=25.0)
    assert len(points) == 4 * 8 + 3 * 4
    assert points.min() > 0
    assert np.all(points < [1024, 512])
