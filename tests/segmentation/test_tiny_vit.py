"""The image encoder of MobileSAM against its official weights."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the sam extra")

from hyperspy_twin.segmentation.segment_anything.tiny_vit import TinyViT, _window_distances  # noqa: E402


@pytest.fixture(scope="module")
def weights(request):
    shared_file = request.getfixturevalue("shared_file")
    path = shared_file("weights/mobile_sam.pt")
    every = torch.load(path, map_location="cpu", weights_only=True)
    prefix = "image_encoder."
    return {name[len(prefix) :]: v for name, v in every.items() if name.startswith(prefix)}


def test_the_number_of_parameters_is_that_of_the_paper():
    encoder = TinyViT()
    neck = sum(p.numel() for p in encoder.neck.parameters())
    total = sum(p.numel() for p in encoder.parameters())
    assert 5.3e6 < total - neck < 5.5e6  # 5.4 million, Wu et al. (2022), table 1


def test_the_official_weights_load_strictly(weights):
    TinyViT().load_state_dict(weights, strict=True)


def test_window_distances_count_rows_and_columns_apart():
    distance = _window_distances(7)
    assert distance[0].tolist() == list(range(49))
    torch.testing.assert_close(distance, distance.T)
    assert distance[8, 17] == 7 * 1 + 2  # (1, 1) to (2, 3)


def test_activations_on_a_wave_are_the_recorded_ones(weights):
    encoder = TinyViT(256)
    encoder.load_state_dict(weights, strict=True)
    row, column = np.mgrid[:256, :256]
    wave = np.sin(row / 17) + np.cos(column / 23) + (np.hypot(row - 90, column - 160) < 40)
    image = torch.from_numpy(wave).float().expand(1, 3, -1, -1)
    with torch.inference_mode():
        features = encoder.eval()(image)
    assert features.shape == (1, 256, 16, 16)
    # Recorded from this encoder once its layers had been checked against the published ones.
    torch.testing.assert_close(
        features[0, [0, 7, 100, 255], [0, 5, 8, 15], [0, 10, 8, 15]],
        torch.tensor([-0.05638, -0.0247, -0.10942, -0.13202]),
        atol=2e-4,
        rtol=0,
    )


@pytest.mark.parametrize("side", [0, -16, 100])
def test_a_side_that_does_not_divide_is_an_error(side):
    with pytest.raises(ValueError, match="multiple of 16"):
        TinyViT(side)


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 1, 64, 64), (1, 3, 64, 48)])
def test_images_of_another_shape_are_an_error(shape):
    with pytest.raises(ValueError, match="images have shape"):
        TinyViT(64)(torch.zeros(shape))
