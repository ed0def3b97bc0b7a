import importlib.util
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.spectra.detection.network_input import find_summits
from hyperspy_twin.training.examples import (
    IGNORED,
    MUST_FIND,
    NEGATIVE,
    POSITIVE,
    cached_examples,
    example,
    label_peaks,
    random_patch,
)
from hyperspy_twin.training.images import training_image
from hyperspy_twin.training.scores import (
    Counts,
    counts,
    expected_calibration_error,
    fit_calibration,
    outcomes,
)
from hyperspy_twin.training.truth import TruePeaks

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


def spots(row, column, snr, resolved=None):
    row, column, snr = (np.asarray(values) for values in (row, column, snr))
    resolved = np.ones(len(row), bool) if resolved is None else np.asarray(resolved)
    return TruePeaks(np.stack([column, row], axis=1) / 100, row, column, snr, resolved)


def test_every_spot_that_must_be_found_has_one_label_on_a_maximum():
    image = training_image(1, "single")
    labels = label_peaks(image)
    row, column = np.nonzero(labels == POSITIVE)
    must = (image.peaks.snr > MUST_FIND) & image.peaks.resolved
    assert 5 < must.sum() - 2 <= len(row) <= 2 * must.sum()  # both of a pair in the first column
    assert find_summits(image.region.power)[row, column].all()
    assert (labels == NEGATIVE).sum() > 0.4 * labels.size


def test_images_without_lattice_have_no_positive_label():
    assert not (label_peaks(training_image(0, "amorphous")) == POSITIVE).any()


@pytest.fixture(scope="module")
def labelled():
    return example(1_000_001)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_patches_hold_what_the_spectrum_holds(labelled, seed):
    channels, labels = random_patch(labelled, 48, np.random.default_rng(seed))
    assert channels.shape == (4, 48, 48) and labels.shape == (48, 48)
    assert np.isfinite(channels).all()
    assert set(np.unique(labels)) <= {IGNORED, NEGATIVE, POSITIVE}
    assert (channels[1][labels == POSITIVE] == 1).all()
    assert channels[2].min() >= 0 and channels[2].max() <= 1


def test_examples_come_back_from_their_file(tmp_path):
    path = tmp_path / "some" / "examples.npz"
    made = cached_examples(path, 7, 2, workers=1)
    read = cached_examples(path, 7, 2, workers=1)
    for one, other in zip(made, read, strict=True):
        np.testing.assert_array_equal(one.value, other.value)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert (one.width, one.bandwidth) == (other.width, other.bandwidth)


def test_outcomes_count_every_spot_once():
    truth = spots([10, 50, 70], [20, 30, 5], [100.0, 50.0, 10.0])
    row = np.array([10.4, 11.0, 69.0, 40.0])
    column = np.array([19.7, 21.0, 5.0, 40.0])
    outcome, number = outcomes(row, column, truth, (100, 100))
    assert outcome.tolist() == [1, 0, -1, 0]
    assert number == 2
    assert counts(outcome, number) == Counts(found=1, false=2, missed=1)


def test_outcomes_know_the_friedel_partner_and_the_period():
    truth = spots([98], [1], [100.0])
    outcome, _ = outcomes(np.array([1.0]), np.array([0.0]), truth, (100, 100))
    assert outcome.tolist() == [1]


def test_scores_of_counts():
    total = Counts(6, 2, 0) + Counts(0, 0, 2)
    assert (total.precision, total.recall, total.f1) == (0.75, 0.75, 0.75)
    assert (Counts().precision, Counts().recall, Counts().f1) == (1.0, 1.0, 1.0)
    assert Counts(false=3).precision == 0.0


def test_calibration_recovers_a_logistic_curve():
    random = np.random.default_rng(0)
    logits = random.normal(scale=3, size=20_000)
    probability = 1 / (1 + np.exp(-(0.5 * logits - 1)))
    truth = random.random(len(logits)) < probability
    slope, intercept = fit_calibration(logits, truth)
    assert slope == pytest.approx(0.5, abs=0.03)
    assert intercept == pytest.approx(-1, abs=0.06)
    assert expected_calibration_error(probability, truth) < 0.02
    raw = 1 / (1 + np.exp(-logits))
    assert expected_calibration_error(raw, truth) > 0.1


@needs_torch
@pytest.mark.slow
def test_training_is_repeatable_and_leaves_plain_weights(tmp_path):
    from hyperspy_twin.training.train import Settings, plot, train_network

    few = Settings(steps=2, batch=2, patch=32, images=3, validation_images=3, every=1, seed=5)
    files = [tmp_path / name for name in ("first.npz", "second.npz")]
    records = [train_network(few, file, tmp_path, workers=1) for file in files]
    weights = [np.load(file, allow_pickle=False) for file in files]
    assert weights[0].files == weights[1].files and "calibration" in weights[0].files
    for name in weights[0].files:
        np.testing.assert_array_equal(weights[0][name], weights[1][name])
    assert [record["step"] for record in records[0]] == [1, 2]
    assert json.loads(files[0].with_suffix(".json").read_text())[0]["loss"] == records[1][0]["loss"]
    plot(records[0], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000


@needs_torch
def test_folding_the_normalisation_changes_nothing():
    import torch

    from hyperspy_twin.spectra.detection.unet import PeakUNet

    torch.manual_seed(0)
    network = PeakUNet(4)
    channels = torch.randn(2, 4, 64, 48)
    network(channels)  # the running means leave their start
    with torch.no_grad():
        expected = network.eval()(channels)
        found = network.folded()(channels)
    assert found.shape == (2, 64, 48)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
