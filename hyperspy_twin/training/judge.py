"""Network and Gaussian detector compared: ``python -m hyperspy_twin.training.judge``.

The images are drawn from seeds that were used neither for training nor for calibration.
"""

from __future__ import annotations

import argparse
import json
import logging

import numpy as np

from hyperspy_twin.spectra import detect_cfar, find_network_maxima
from hyperspy_twin.training.images import CATEGORIES, TrainingImage, training_image
from hyperspy_twin.training.scores import (
    SMALLEST_PROBABILITY,
    Counts,
    counts,
    expected_calibration_error,
    outcomes,
)

# First seed of the images: none was used for training or calibration.
TEST_SEED = 5_000_000
# Of the Gaussian detector, the default of the chain.
FALSE_ALARMS = 0.05
_logger = logging.getLogger(__name__)


def judge(count: int) -> dict[str, dict[str, dict[str, float]]]:
    """Scores of both detectors on ``count`` images of every category.

    Parameters
    ----------
    count
        Images of each category.

    Returns
    -------
    dict
        For each category, and for all together, and each detector: precision, recall, f1, and
        false peaks per image; for all together also the calibration error of the network.
    """
    table: dict[str, dict[str, dict[str, float]]] = {}
    totals = {"network": Counts(), "gaussian": Counts()}
    probability, truth = [], []
    for number, category in enumerate(CATEGORIES):
        sums = {"network": Counts(), "gaussian": Counts()}
        for seed in range(count):
            image = training_image(TEST_SEED + count * number + seed, category)
            found, outcome, must = _by_network(image)
            sure = found >= 0.5
            sums["network"] += counts(outcome[sure], must)
            sums["gaussian"] += counts(*_by_gaussian(image))
            probability.append(found[outcome >= 0])
            truth.append(outcome[outcome >= 0])
        table[category] = {name: _row(value, count) for name, value in sums.items()}
        totals = {name: totals[name] + value for name, value in sums.items()}
    table["all"] = {n: _row(value, count * len(CATEGORIES)) for n, value in totals.items()}
    error = expected_calibration_error(np.concatenate(probability), np.concatenate(truth))
    table["all"]["network"]["calibration_error"] = error
    return table


def _by_network(image: TrainingImage) -> tuple[np.ndarray, np.ndarray, int]:
    found = find_network_maxima(image.region, SMALLEST_PROBABILITY)
    judged = outcomes(found.row, found.column, image.peaks, image.region.grid.shape)
    return found.probability, *judged


def _by_gaussian(image: TrainingImage) -> tuple[np.ndarray, int]:
    shape = image.region.grid.shape
    found = detect_cfar(image.region, FALSE_ALARMS).position
    return outcomes(found[:, 1] * shape[0], found[:, 0] * shape[1], image.peaks, shape)


def _row(value: Counts, images: int) -> dict[str, float]:
    return {
        "precision": value.precision,
        "recall": value.recall,
        "f1": value.f1,
        "false_per_image": value.false / images,
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Compare the network with the Gaussian detector.")
    parser.add_argument("--count", type=int, default=60, help="images of each category")
    _logger.info(json.dumps(judge(parser.parse_args().count), indent=1))
