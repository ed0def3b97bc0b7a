"""Planar faults found in images of known truth; ``python benchmarks/planar_faults.py [seeds]``.

Germanium along [110] of .045 nm pixels with a stacking fault on (1-11), R = a/3 [1-11], that
crosses the field or a strip with 5 nm of it, or ends in a partial dislocation inside. Of each
scene: faults found with the right plane and R, other ones, the root mean square error of the jumps
of (1-1-1) and (1-11) in turns, and the ratio of that to the stated error. Then scenes without one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
from dislocations_scenes import FACE_CENTRED, Scene, misfit_array, pair, perfect, random_cores
from planar_faults_scenes import PLANE, SHIFT, crossing_fault, ending_fault, strip

import hyperspy_twin.strain.defects.planar_faults as rooms
from hyperspy_twin.strain.defects import find_block, find_planar_faults
from hyperspy_twin.strain.defects.phase_jumps import Jumps, measure_jumps

DOSES = (1.0, 3.0, 10.0, 100.0)
RESOLUTION = 0.45
HKL = ((1, -1, 1), (1, -1, -1))


def _record(found: list, *given: Any) -> Jumps | None:
    found.append(measure_jumps(*given))
    return found[-1]


def table(name: str, make: Callable[[int], Scene], seeds: range, faults: int) -> None:
    """Print the scores of one kind of scene."""
    for dose in DOSES:
        right, other, offsets, ratios, seconds = 0, 0, [], [], []
        for seed in seeds:
            scene = make(seed)
            image = scene.image(dose, seed)
            jumps: list = []
            start = time.perf_counter()
            block = find_block(
                scene.regions, scene.labels, scene.grid, reference=max(scene.regions),
                resolution=RESOLUTION,
            )  # fmt: skip
            with mock.patch.object(rooms, "measure_jumps", partial(_record, jumps)):
                found = find_planar_faults(
                    image, scene.grid, block, resolution=RESOLUTION, translations=FACE_CENTRED
                )
            seconds.append(time.perf_counter() - start)
            good = [
                np.allclose(plane, PLANE) and np.allclose(shift, SHIFT)
                for plane, shift in zip(found.plane, found.indices, strict=True)
            ]
            right, other = (
                right + min(sum(good), faults),
                other + len(good) - min(sum(good), faults),
            )
            if faults and jumps and jumps[0] is not None:
                for hkl in HKL:
                    index = int(np.flatnonzero((block.hkl == hkl).all(axis=1))[0])
                    off = jumps[0].turns[index] + np.dot(hkl, SHIFT)
                    offsets.append(off - np.rint(off))
                    ratios.append(offsets[-1] / jumps[0].error[index])
        rms = [np.sqrt(np.mean(np.square(one))) if one else np.nan for one in (offsets, ratios)]
        print(
            f"{name:14s} dose {dose:5g}  {right:3d} of {faults * len(seeds):3d}  other {other}  "
            f"jump rms {rms[0]:.4f}  chi {rms[1]:.2f}  {np.median(seconds):.2f} s",
            flush=True,
        )


def main(seeds: range) -> None:
    """Print all tables."""
    crossing, ending = crossing_fault(), ending_fault()
    table("crossing", lambda seed: crossing, seeds, 1)
    table("5 nm of wall", lambda seed: strip(crossing, seed), seeds, 1)
    table("ends inside", lambda seed: ending, seeds, 1)
    crystal, array = perfect(), misfit_array()
    table("perfect", lambda seed: crystal, range(seeds.start, seeds.start + 20), 0)
    table("misfit array", lambda seed: array, seeds[:2], 0)
    table("dislocations", random_cores, seeds, 0)
    table("pairs", lambda seed: pair(seed, 1.8), seeds, 0)


if __name__ == "__main__":
    first, count = (int(one) for one in (sys.argv[1:] or ["100", "8"]))
    main(range(first, first + count))
