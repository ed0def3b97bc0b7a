"""Weights of the evidence that the consensus of spot detectors uses, from the tuning set.

Run: python benchmarks/spots_weights.py [--every n]

Prints the weights of a logistic regression (constant, power, profile, lattice known, place on a
lattice, network) without and with the network, and what they do on the half of the scenes that a
fit did not see. The first goes without torch.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import spots_scenes
from scipy.optimize import minimize
from spots_images import RESOLUTION, Scene, in_band

from hyperspy_twin.spectra.detection import consensus
from hyperspy_twin.spectra.detection.candidates import detection_threshold, find_candidates
from hyperspy_twin.spectra.transform import windowed_region

FALSE_ALARMS = 0.05
STIFFNESS = 0.05  # of the regression: keeps evidence that decides alone from infinite weight


@dataclass(frozen=True)
class Judged:
    """Evidence for the candidates of one scene (n, 4), the network's view, and the truth."""

    evidence: np.ndarray
    network: np.ndarray | None
    real: np.ndarray


def judged(at: Scene, network: bool) -> Judged:
    """Candidates of a scene in the band that is scored, a spot within the resolution is real."""
    region = windowed_region(at.image, at.grid, at.mask)
    found = find_candidates(region, consensus.FALSE_CANDIDATES)
    position = found.maxima.frequency / np.asarray(region.grid.scale)
    kept = in_band(position, at.truth.grid)
    found, position = found[kept], position[kept]
    values = np.zeros((0, 4))
    if len(found):
        threshold = detection_threshold(region, FALSE_ALARMS)
        values = consensus.measure_evidence(region, found, threshold)
    view = None
    if network:
        from hyperspy_twin.spectra.detection.network import map_probability

        view = map_probability(region)[found.row, found.column]
    real = np.zeros(len(found), bool)
    if len(found) and len(at.truth.snr):
        apart = position[:, None] - np.stack([at.truth.position, -at.truth.position])[:, None]
        far = np.einsum("snkx,kxy,snky->snk", apart, at.truth.moments, apart)
        real = far.min(axis=(0, 2)) < RESOLUTION
    return Judged(values, view, real)


def regression(scenes: list[Judged]) -> np.ndarray:
    """Weights of a logistic regression with a little stiffness."""
    each = [consensus.regression_terms(one.evidence, one.network) for one in scenes]
    terms = np.concatenate(each)
    sign = 2 * np.concatenate([one.real for one in scenes]) - 1

    def loss(weights: np.ndarray) -> float:
        penalty = STIFFNESS * (weights[1:] ** 2).sum()
        return float(np.logaddexp(0, -sign * (terms @ weights)).sum() + penalty)

    return minimize(loss, np.zeros(terms.shape[1])).x


def report(scenes: list[Judged], title: str) -> None:
    """Print the weights from all scenes, and the success of those from one half on the other."""
    halves = scenes[::2], scenes[1::2]
    hits = false = missed = 0
    for seen, unseen in (halves, halves[::-1]):
        weights = regression(seen)
        for one in unseen:
            taken = consensus.regression_terms(one.evidence, one.network) @ weights > 0
            hits += int((taken & one.real).sum())
            false += int((taken & ~one.real).sum())
            missed += int((~taken & one.real).sum())
    print(f"{title}: {hits} hits, {false} false, {missed} missed on unseen scenes")
    print("  weights", np.round(regression(scenes), 3).tolist())


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="every n-th scene of each category")
    every = parser.parse_args().every
    network = find_spec("torch") is not None
    names = [name for name in spots_scenes.names("tuning", every) if name[1] != "powder"]
    scenes = [judged(spots_scenes.scene(*name), network) for name in names]
    alone = [Judged(one.evidence, None, one.real) for one in scenes]
    report(alone, "without the network")
    if network:
        report(scenes, "with the network")


if __name__ == "__main__":
    main()
