"""Dislocations found in images of known truth; ``python benchmarks/dislocations.py [seeds]``.

Of each scene: dislocations found with the right Burgers vector, those with a wrong one, false ones,
the root mean square distance from the truth along one direction, the ratio of that to the stated
error, and the time. Germanium along [110] of .045 nm pixels. "partials" and "those of gold"
(.03 nm pixels) have a Shockley partial that ends a stacking fault and a perfect dislocation beside
it in each image; a partial whose Burgers vector is not named counts as wrong.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from dislocations_scenes import (
    FACE_CENTRED,
    Scene,
    misfit_array,
    pair,
    perfect,
    random_cores,
)
from planar_faults_scenes import partial_beside_perfect

from hyperspy_twin.strain.defects import find_block, find_dislocations

DOSES = (3.0, 10.0, 30.0, 100.0)
RESOLUTIONS = (0.4, 0.45, 0.5)
NEAR = 0.5  # nm from the truth: found


@dataclass
class Score:
    """Sums over images."""

    true: int = 0
    right: int = 0
    wrong: int = 0
    false: int = 0
    offsets: list[np.ndarray] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, scene: Scene, dose: float, resolution: float, seed: int) -> None:
        """Analyse one image."""
        image = scene.image(dose, seed)
        start = time.perf_counter()
        block = find_block(
            scene.regions, scene.labels, scene.grid, reference=max(scene.regions),
            resolution=resolution,
        )  # fmt: skip
        found = find_dislocations(
            image, scene.grid, block, resolution=resolution, translations=FACE_CENTRED
        )
        self.seconds.append(time.perf_counter() - start)
        free = np.ones(len(found.error), bool)
        self.true += len(scene.cores)
        for core, burgers in zip(scene.cores, scene.burgers, strict=True):
            distance = np.linalg.norm(found.position - core, axis=1)
            distance[~free] = np.inf
            if distance.min(initial=np.inf) > NEAR:
                continue
            index = int(distance.argmin())
            free[index] = False
            both = found.indices[index], found.alternative[index]
            if any(np.allclose(one, burgers) for one in both):
                self.right += 1
                self.offsets.append(found.position[index] - core)
                self.errors.append(found.error[index])
            else:
                self.wrong += 1
        self.false += int(free.sum())

    def __str__(self) -> str:
        offsets, errors = np.array(self.offsets).reshape(-1, 2), np.array(self.errors)
        rms = np.sqrt(np.mean(offsets**2, axis=0)) if len(offsets) else np.full(2, np.nan)
        chi = np.sqrt(np.mean((offsets / errors[:, None]) ** 2)) if len(offsets) else np.nan
        return (
            f"{self.right:4d} of {self.true:4d}  wrong {self.wrong}  false {self.false}  "
            f"rms x {rms[0]:.3f} y {rms[1]:.3f} both {np.sqrt(np.sum(rms**2)):.3f} nm  "
            f"chi {chi:.2f}  {np.median(self.seconds):.2f} s"
        )


def table(
    name: str,
    make: Callable[[int], Scene],
    seeds: Iterable[int],
    doses: Iterable[float] = DOSES,
    resolutions: Iterable[float] = RESOLUTIONS,
) -> None:
    """Print the scores of one kind of scene."""
    scenes = {seed: make(seed) for seed in seeds}
    for resolution in resolutions:
        for dose in doses:
            score = Score()
            for seed, scene in scenes.items():
                score.add(scene, dose, resolution, seed)
            print(f"{name:12s} s {resolution:.2f}  dose {dose:5g}  {score}", flush=True)


def main(seeds: range) -> None:
    """Print all tables."""
    array = misfit_array()
    table("random", random_cores, seeds)
    table("misfit array", lambda seed: array, seeds)
    for times in (4.0, 5.0, 6.0):
        table(f"pairs {times:g} s", lambda seed, t=times: pair(seed, t * 0.45), range(
            seeds.start, seeds.start + 4 * len(seeds)), (10.0, 100.0), (0.45,))  # fmt: skip
    many = range(seeds.start, seeds.start + 4 * len(seeds))
    table("partials", partial_beside_perfect, many, resolutions=(0.45,))
    table("those of gold", lambda seed: partial_beside_perfect(seed, gold=True), many,
          resolutions=(0.35,))  # fmt: skip
    crystal = perfect()
    table("perfect", lambda seed: crystal, range(seeds.start, seeds.start + 20), (1.0, 10.0, 100.0))


if __name__ == "__main__":
    first, count = (int(one) for one in (sys.argv[1:] or ["100", "4"]))
    main(range(first, first + count))
