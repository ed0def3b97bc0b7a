"""Constants of the state of a region: many crystallites against all else, from the tuning set.

Run: python benchmarks/spots_states.py [--every n]

Prints the weights of the logistic regression that `state_evidence.MANY_CRYSTALS` holds (constant,
graininess, narrowness of the rings, SNR of the strongest spot, number of spots, spots without a
lattice), and how often it is wrong on the half of the scenes that a fit did not see. The families
of scenes weigh alike. To those of the tuning set come two in which less is to be seen of what
tells a powder from a film: few crystallites, and a halo hardly broader than the ring of a powder.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import spots_scenes
from scipy import fft
from scipy.optimize import minimize
from spots_images import Plan, Scene, expose

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.crystallinity import gather_evidence
from hyperspy_twin.spectra.crystallinity_evidence import measure_crystallites
from hyperspy_twin.spectra.detection.consensus import detect_consensus
from hyperspy_twin.spectra.rings import measure_radial_profile
from hyperspy_twin.spectra.transform import windowed_region

SET = "tuning"  # its scenes beyond those that the benchmark measures on serve as well
FALSE_ALARMS = 0.05
# Scenes of a family, and of one that has to be told from a powder or is one.
SCENES, CLOSE_SCENES = 40, 120
CLOSE = ("powder", "few crystallites", "amorphous", "narrow halo", "noise", "grains")
FEWEST, MOST = 15, 60  # crystallites where they are few
# Full width at half height of a narrow halo over its radius; amorphous semiconductors reach 0.15.
NARROWEST, BROADEST = 0.15, 0.25
STIFFNESS = 0.05  # of the regression: keeps evidence that decides alone from infinite weight


@dataclass(frozen=True)
class Judged:
    """What is known of one scene: its family, the five numbers, whether it is a powder."""

    family: str
    numbers: np.ndarray
    powder: bool


def few_crystallites(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Crystallites as in a powder, but larger and fewer."""
    lattice, grid = spots_scenes.crystal(rng, None, shape, (3.5, 5))
    count = int(rng.integers(FEWEST, MOST))
    angle = rng.uniform(0, 2 * np.pi, count)[spots_scenes.voronoi(rng, shape, count)]
    x, y = np.meshgrid(grid.x, grid.y)
    along = np.cos(angle) * x + np.sin(angle) * y
    across = np.cos(angle) * y - np.sin(angle) * x
    texture = np.zeros(shape, np.float32)
    for g, amplitude in zip(lattice.g[:12], lattice.amplitude[:12], strict=True):
        wave = np.exp(2j * np.pi * (g[0] * along + g[1] * across))
        texture += (2 * amplitude * wave).real.astype(np.float32)
    return Plan(grid, [], "powder", texture=texture, **spots_scenes.exposure(rng))


def narrow_halo(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Amorphous film with one halo and no rings of the lens."""
    grid = Grid(shape, (float(np.exp(rng.uniform(np.log(0.015), np.log(0.06)))),) * 2)
    radius = rng.uniform(0.1, 0.3) / grid.scale[0]
    width = rng.uniform(NARROWEST, BROADEST) * radius

    def raw(g: np.ndarray) -> np.ndarray:
        return np.exp(-2 * np.log(2) * ((g - radius) / width) ** 2)

    frequency = fft.fftfreq(128, grid.scale[0])
    mean = np.mean(raw(np.hypot(frequency[None, :], frequency[:, None])) ** 2)
    scale = rng.uniform(0.02, 0.25) / np.sqrt(mean)
    speckle = (lambda g: scale * raw(g), 1.0)
    return Plan(grid, [], "no lattice seen", speckle=speckle, **spots_scenes.exposure(rng))


FURTHER = {"few crystallites": few_crystallites, "narrow halo": narrow_halo}


def scene(family: str, index: int) -> Scene:
    """One scene of a family."""
    if family not in FURTHER:
        return spots_scenes.scene(SET, family, index)
    place = len(spots_scenes.CATEGORIES) + list(FURTHER).index(family)
    rng = np.random.default_rng([spots_scenes.SEEDS[SET], place, index])
    shape = spots_scenes.SHAPES[index % len(spots_scenes.SHAPES)]
    return expose(FURTHER[family](rng, shape), rng, f"{family}-{index}", family)


def judged(family: str, index: int) -> Judged | None:
    """Evidence of a scene; None where the noise leaves its state open."""
    at = scene(family, index)
    if at.truth.state is None:
        return None
    region = windowed_region(at.image, at.grid, at.mask)
    spots = detect_consensus(region, FALSE_ALARMS)
    profile = measure_radial_profile(region, spots.position, spots.snr)
    evidence = gather_evidence(spots, region, profile, spots.probability)
    return Judged(family, measure_crystallites(evidence), at.truth.state == "powder")


def regression(scenes: list[Judged]) -> np.ndarray:
    """Weights of a logistic regression with a little stiffness; families weigh alike."""
    terms = np.stack([np.concatenate([[1.0], one.numbers]) for one in scenes])
    sign = np.array([1 if one.powder else -1 for one in scenes])
    _, family, count = np.unique(
        [one.family for one in scenes], return_inverse=True, return_counts=True
    )
    share = len(scenes) / len(count) / count[family]

    def loss(weights: np.ndarray) -> float:
        penalty = STIFFNESS * (weights[1:] ** 2).sum()
        return float(share @ np.logaddexp(0, -sign * (terms @ weights)) + penalty)

    return minimize(loss, np.zeros(terms.shape[1])).x


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="every n-th scene of each family")
    every = parser.parse_args().every
    families = [*spots_scenes.CATEGORIES, *FURTHER]
    names = [
        (family, index)
        for family in families
        for index in range(0, CLOSE_SCENES if family in CLOSE else SCENES, every)
    ]
    scenes = [one for name in names if (one := judged(*name)) is not None]
    halves = scenes[::2], scenes[1::2]
    print(f"{'family':20}{'scenes':>8}{'called powder on unseen scenes':>34}")
    called = dict.fromkeys(families, 0)
    for seen, unseen in (halves, halves[::-1]):
        weights = regression(seen)
        for one in unseen:
            called[one.family] += bool(weights[0] + weights[1:] @ one.numbers > 0)
    for family in families:
        print(f"{family:20}{sum(one.family == family for one in scenes):8}{called[family]:34}")
    print("weights", np.round(regression(scenes), 2).tolist())


if __name__ == "__main__":
    main()
