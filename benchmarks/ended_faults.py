"""Stacking faults that end inside the image; ``python benchmarks/ended_faults.py [seeds models]``.

Germanium and gold along [110], faults on both {111} planes seen edge on, intrinsic and extrinsic,
that cross the image of 448 pixels or end in it on one or both sides, in Shockley partials of 90 or
30 degrees, at doses of 10, 100 and 1000. Of each kind: faults found with the right plane and R,
other ones; partials found within .6 nm with the right Burgers vector, other dislocations.

With ``models`` the whole chain is run instead, at one of the doses for each seed: regions without a
phase, and columns of the truth that the model has not within a fifth of a bond, those within 1.5 nm
of each end, and all others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product

import numpy as np
from dislocations_scenes import FACE_CENTRED
from ended_faults_scenes import EndedFault, ended_fault, wrong_columns

from hyperspy_twin.simulation import ORIENTATION_110
from hyperspy_twin.strain.defects import find_block, find_dislocations, find_planar_faults

DOSES = (10.0, 100.0, 1000.0)
RESOLUTION = {"Ge": 0.45, "Au": 0.35}  # nm
REFLECTIONS = np.array([[1, -1, 1], [1, -1, -1], [2, -2, 0], [0, 0, 4]])
NEAR = 0.6  # nm from the truth: found
AT_END = 1.5  # nm from an end: its columns
BORDER = 1.0  # nm from the border that are not compared
WHOLE = 0.02  # turns by which the phases of one shift differ from those of another


def kinds() -> Iterator[tuple[str, bool, int]]:
    """Crystal, whether the fault is extrinsic, and its ends inside."""
    yield from product(("Ge", "Au"), (False, True), (0, 1, 2))


def title(name: str, extrinsic: bool, ends: int) -> str:
    """Name a kind of scene."""
    return f"{name} {'extrinsic' if extrinsic else 'intrinsic'} {ends} ends"


def score(fault: EndedFault, dose: float, seed: int, resolution: float) -> np.ndarray:
    """Right and other faults, right and all partials, other dislocations."""
    scene = fault.scene
    image = scene.image(dose, seed)
    block = find_block(scene.regions, scene.labels, scene.grid, reference=1, resolution=resolution)
    given = image, scene.grid, block
    faults = find_planar_faults(*given, resolution=resolution, translations=FACE_CENTRED)
    found = find_dislocations(*given, resolution=resolution, translations=FACE_CENTRED)
    normal, right = (np.array(fault.plane) @ ORIENTATION_110.T)[:2], 0
    for start, end, plane, shift in zip(
        faults.start, faults.end, faults.plane, faults.indices, strict=True
    ):
        side = np.sign([start[1] - end[1], end[0] - start[0]] @ normal)
        turns = REFLECTIONS @ (side * shift - fault.shift)
        right += np.allclose(plane, fault.plane) and np.all(abs(turns - np.rint(turns)) < WHOLE)
    partials, free = 0, np.ones(len(found.error), bool)
    for core, burgers in zip(scene.cores, scene.burgers, strict=True):
        distance = np.where(free, np.linalg.norm(found.position - core, axis=1), np.inf)
        if distance.min(initial=np.inf) <= NEAR:
            index = int(distance.argmin())
            free[index] = False
            names = found.indices[index], found.alternative[index]
            named = any(np.allclose(one, burgers) for one in names)
            partials += named and bool(found.partial[index])
    others = len(faults.error) - right
    return np.array([right, others, partials, len(scene.cores), free.sum()])


def find(seeds: range) -> None:
    """Print what is found of faults and partials."""
    for name, extrinsic, ends in kinds():
        scores = [
            score(fault, dose, seed, RESOLUTION[name])
            for seed in seeds
            for fault in [ended_fault(seed, ends=ends, gold=name == "Au", extrinsic=extrinsic)]
            for dose in DOSES
        ]
        right, others, partials, true, free = np.sum(scores, axis=0)
        print(
            f"{title(name, extrinsic, ends)}: faults {right} of {len(scores)}, other {others}; "
            f"partials {partials} of {true}, other {free}",
            flush=True,
        )


def model(fault: EndedFault, dose: float, seed: int, name: str) -> tuple[int, list[int]] | None:
    """Wrong columns far from the ends, and of each end; None where no phase is named."""
    import hyperspy.api as hs

    import hyperspy_twin as ht

    image = hs.signals.Signal2D(fault.scene.image(dose, seed))
    image.set_signal_type("Micrograph")
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = fault.scene.pixel, "nm"
    found = ht.SegmentedImage.from_labels(image, fault.scene.labels)
    indexed = found.find_peaks(show_progressbar=False).index_phases([name], show_progressbar=False)
    if not indexed.phases[1].phase:
        return None
    atoms = indexed.gpa(show_progressbar=False).to_atoms(thickness=0.4, show_progressbar=False)
    wrong = wrong_columns(fault, atoms.positions, BORDER)
    distance = np.linalg.norm(wrong[:, None] - fault.scene.cores, axis=2)
    near = distance <= AT_END
    return int((~near.any(axis=1)).sum()), near.sum(axis=0).tolist()


def build(seeds: range) -> None:
    """Print how many columns of models are wrong."""
    for name, extrinsic, ends in kinds():
        far, near, refused = [], [], 0
        for seed in seeds:
            fault = ended_fault(seed, ends=ends, gold=name == "Au", extrinsic=extrinsic)
            result = model(fault, DOSES[seed % len(DOSES)], seed, name)
            refused += result is None
            if result is not None:
                far.append(result[0])
                near += result[1]
        print(
            f"{title(name, extrinsic, ends)}: {refused} without a phase; wrong columns elsewhere "
            f"{far}, at ends {near}",
            flush=True,
        )


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:] if one.isdigit()] or [900, 4]
    chosen = range(numbers[0], numbers[0] + numbers[1])
    (build if "models" in sys.argv else find)(chosen)
