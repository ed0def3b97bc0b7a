"""Train the peak network: ``python -m hyperspy_twin.training.train``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from hyperspy_twin.spectra import network_input
from hyperspy_twin.training.examples import (
    Example,
    HeldOut,
    cached_examples,
    held_out,
    random_patch,
)
from hyperspy_twin.training.scores import (
    SMALLEST_PROBABILITY,
    Counts,
    counts,
    cross_entropy,
    expected_calibration_error,
    fit_calibration,
    outcomes,
)

if TYPE_CHECKING:
    from hyperspy_twin.spectra import PeakUNet

# First seeds of the images to learn from, to validate and to calibrate with.
TRAINING_SEED = 1_000_000
VALIDATION_SEED = 2_000_000
CALIBRATION_SEED = 3_000_000
# Weight in the loss of peaks, and of what is no local maximum.
POSITIVE_WEIGHT = 3.0
OTHER_WEIGHT = 0.1
# First and last learning rate, and the steps over which the first is reached.
LEARNING_RATE = 4e-3
LAST_LEARNING_RATE = 2e-5
WARM_UP = 100
# Weight decay of the optimiser.
WEIGHT_DECAY = 1e-4
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes
    ----------
    steps, batch, patch
        Number of gradient steps, patches in each, and bins along the side of a patch.
    images, validation_images
        Number of spectra to learn from, and to validate and calibrate with.
    every
        Steps between validations.
    seed
        Of the first weights and of the choice of patches.
    """

    steps: int = 16000
    batch: int = 8
    patch: int = 128
    images: int = 3000
    validation_images: int = 200
    every: int = 1000
    seed: int = 0


def train_network(settings: Settings, output: Path, cache: Path | None, workers: int) -> list[dict]:
    """Train a network and keep the weights that validate best.

    Parameters
    ----------
    settings
        How to train.
    output
        File for the weights; the validation curve goes next to it as JSON.
    cache
        Folder that keeps the training spectra between runs.
    workers
        Processes that draw them.

    Returns
    -------
    list of dict
        One record for each validation.
    """
    import torch

    from hyperspy_twin.spectra import PeakUNet

    torch.manual_seed(settings.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    file = cache / f"examples_{settings.images}.npz" if cache else None
    drawn = cached_examples(file, TRAINING_SEED, settings.images, workers)
    validation = held_out(VALIDATION_SEED, settings.validation_images)
    calibration = held_out(CALIBRATION_SEED, settings.validation_images)
    network = PeakUNet(network_input.CHANNELS).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _rate(settings.steps))
    records: list[dict[str, Any]] = []
    losses: list[float] = []
    started = time.monotonic()
    for step, (channels, labels) in enumerate(_batches(drawn, settings), start=1):
        value = torch.from_numpy(channels).to(device, memory_format=torch.channels_last)
        loss = _loss(network(value), value[:, 1], torch.from_numpy(labels).to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % settings.every == 0 or step == settings.steps:
            plain = network.folded().cpu()
            record = {"step": step, "minutes": (time.monotonic() - started) / 60}
            record |= {"loss": float(np.mean(losses))} | _judged(plain, validation, calibration)
            _keep(plain, record, records, output)
            losses.clear()
    return records


def _keep(
    network: PeakUNet, record: dict[str, Any], records: list[dict[str, Any]], output: Path
) -> None:
    """Write the record, and the weights where none validated better before."""
    # The mean over images, because one image can hold as many candidates as all the others.
    if all(record["f1_by_image"] > earlier["f1_by_image"] for earlier in records):
        save(network, record["calibration"], output)
    records.append(record)
    output.with_suffix(".json").write_text(json.dumps(records, indent=1))
    _logger.info(json.dumps(record))


def save(network: PeakUNet, calibration: tuple[float, float], output: Path) -> None:
    """Write the weights and the calibration as plain arrays."""
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial.npz")
    np.savez_compressed(partial, calibration=np.array(calibration), **arrays)
    partial.replace(output)


def _judged(
    network: PeakUNet, validation: list[HeldOut], calibration: list[HeldOut]
) -> dict[str, Any]:
    """Fit the calibration on one set of images and score it on the other."""
    logits, truth, _ = _candidates(network, calibration)
    slope, intercept = fit_calibration(logits, truth)
    logits, truth, images = _candidates(network, validation)
    scaled = slope * logits + intercept
    probability = expit(scaled)
    each = [counts(one[slope * value + intercept > 0], number) for value, one, number in images]
    total = sum(each, Counts())
    likely = probability > SMALLEST_PROBABILITY
    return {
        "calibration": (slope, intercept),
        "cross_entropy": len(truth) / len(images) * cross_entropy(scaled, truth),
        "calibration_error": expected_calibration_error(probability[likely], truth[likely]),
        "precision": total.precision,
        "recall": total.recall,
        "f1": total.f1,
        "f1_by_image": float(np.mean([one.f1 for one in each])),
    }


def _candidates(
    network: PeakUNet, images: list[HeldOut]
) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray, int]]]:
    """Logits and outcomes of all candidates that count, and of each image by itself."""
    import torch

    found = []
    for image in images:
        with torch.inference_mode():
            value = network(torch.from_numpy(image.patch[None]))[0].numpy()[image.position]
        order = np.argsort(-value, kind="stable")
        row, column, value = image.row[order], image.column[order], value[order]
        outcome, number = outcomes(row, column, image.peaks, image.shape)
        found.append((value, outcome, number))
    logits = np.concatenate([value for value, _, _ in found])
    truth = np.concatenate([outcome for _, outcome, _ in found])
    counting = truth >= 0
    return logits[counting].astype(float), truth[counting], found


def _loss(logits: Any, summits: Any, labels: Any) -> Any:
    """Weighted cross entropy of the frequencies that count."""
    from torch.nn import functional

    weight = OTHER_WEIGHT + (1 - OTHER_WEIGHT) * (summits > 0)
    weight = weight * (1 + (POSITIVE_WEIGHT - 1) * (labels > 0)) * (labels >= 0)
    each = functional.binary_cross_entropy_with_logits(
        logits, (labels > 0).to(logits.dtype), reduction="none"
    )
    return (weight * each).sum() / weight.sum().clamp(min=1)


def _rate(steps: int) -> Any:
    """Learning rate relative to the first: a short rise, then half a cosine."""
    lowest = LAST_LEARNING_RATE / LEARNING_RATE

    def relative(step: int) -> float:
        fall = 0.5 * (1 + np.cos(np.pi * step / steps))
        return min(1.0, (step + 1) / WARM_UP) * (lowest + (1 - lowest) * fall)

    return relative


def _batches(drawn: list[Example], settings: Settings) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(settings.seed)
    for _ in range(settings.steps):
        chosen = random.integers(len(drawn), size=settings.batch)
        patches = [random_patch(drawn[index], settings.patch, random) for index in chosen]
        yield tuple(np.stack(arrays) for arrays in zip(*patches, strict=True))  # type: ignore[misc]


def plot(records: list[dict], path: Path) -> None:
    """Draw the validation curves into a picture file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = [record["step"] for record in records]
    left.semilogy(steps, [record["loss"] for record in records], label="training loss")
    entropy = [record["cross_entropy"] for record in records]
    left.semilogy(steps, entropy, label="validation, sum over an image")
    for name in ("precision", "recall", "f1", "f1_by_image"):
        right.plot(steps, [record[name] for record in records], label=name)
    left.set(xlabel="step", ylabel="cross entropy")
    right.set(xlabel="step", ylabel="held-out images", ylim=(0.5, 1))
    left.legend()
    right.legend()
    figure.savefig(path, dpi=110)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description="Train the peak network.")
    parser.add_argument("output", type=Path, help="file for the weights, ending in .npz")
    parser.add_argument("--picture", type=Path, help="file for the validation curves")
    parser.add_argument("--cache", type=Path, help="folder that keeps the training spectra")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="drawing processes")
    for one in fields(Settings):
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=int, default=one.default)
    given = vars(parser.parse_args(arguments))
    output, picture = given.pop("output"), given.pop("picture")
    cache, workers = given.pop("cache"), given.pop("workers")
    records = train_network(Settings(**given), output, cache, workers)
    if picture:
        plot(records, picture)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
