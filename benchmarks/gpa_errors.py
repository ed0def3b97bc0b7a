"""Whether the stated errors of strain are true: ``python benchmarks/gpa.py errors``.

Lattices of Gaussian columns without strain, in which all that is measured is error; chi is the root
mean square of error over standard error, of e_xx, e_yy, e_xy and rotation. Interior: farther than
four resolutions from outlines; outline: within one. Means: of all regions and images; profile: of
the upper region, along x. Then wells of germanium between alloys with jitter of the scan, and the
best pair of reflections beside all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.ndimage import distance_transform_edt

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.mechanics.gradient_errors import Analysis
from hyperspy_twin.strain.mechanics.measured_strain import MeasuredStrain
from hyperspy_twin.strain.mechanics.profiles import line_between
from hyperspy_twin.strain.plan import MARGIN
from hyperspy_twin.strain.reference import reference_mask

PERIOD = 8.0  # pixels
WIDTH = 0.17  # periods, standard deviation of a column
GRID = Grid((256, 240), (1.0, 1.0))
BEAMS = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [2, 0], [0, 2]], float)
COMPONENTS = ("e_xx", "e_yy", "e_xy", "rotation")


@dataclass(frozen=True)
class Scene:
    """What an image shows: dose per pixel, jitter in periods, variance of the columns' heights."""

    dose: float = 100.0
    jitter: float = 0.0
    alloy: float = 0.0
    height: int = 256  # rows of a region
    resolution: float = 1.5  # periods
    whole: bool = False

    @property
    def labels(self) -> np.ndarray:
        """Regions below each other."""
        rows = 1 + np.arange(GRID.shape[0]) // (self.height if not self.whole else GRID.shape[0])
        return rows[:, None] * np.ones((1, GRID.shape[1]), int)


def make_image(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Count the electrons of columns of random height, seen by lines that jitter."""
    shift_y, shift_x = scene.jitter * PERIOD * rng.normal(size=(2, GRID.shape[0]))
    y, x = np.arange(GRID.shape[0]) + 0.3 + 0.5 * shift_y, np.arange(GRID.shape[1]) + 0.4
    counts = [int(size / PERIOD) + 6 for size in GRID.shape]
    heights = 1.0 + np.sqrt(scene.alloy) * rng.normal(size=counts)
    gain = 1.0 / (np.sqrt(2 * np.pi) * WIDTH)

    def column(distance: np.ndarray) -> np.ndarray:
        return gain * np.exp(-0.5 * (distance / (WIDTH * PERIOD)) ** 2)

    sites = [PERIOD * (np.arange(count) - 3) for count in counts]
    rows = column(y[:, None] - sites[0]) @ heights
    seen = x[None] + shift_x[:, None]
    nearest = np.rint(seen / PERIOD).astype(int)
    image = np.zeros(GRID.shape)
    for offset in (-1, 0, 1):
        cell = nearest + offset
        image += np.take_along_axis(rows, cell + 3, axis=1) * column(seen - PERIOD * cell)
    return rng.poisson(scene.dose * np.maximum(image, 0.0)).astype(float)


def analyse(scene: Scene, beams: int, rng: np.random.Generator) -> MeasuredStrain:
    """Strain of one image."""
    labels, resolution = scene.labels, scene.resolution * PERIOD
    field = geometric_phase_analysis(
        make_image(scene, rng),
        GRID,
        BEAMS[:beams] / PERIOD,
        resolution=resolution,
        reference=reference_mask(labels, 1, MARGIN * resolution),
        labels=None if scene.whole else labels,
    )
    noise = field.noise
    if scene.whole:
        noise = type(noise)(np.array([1]), noise.white, noise.lines)
    return MeasuredStrain(
        np.array([getattr(field, name) for name in COMPONENTS]),
        np.array([field.sigma_xx, field.sigma_yy, field.sigma_xy, field.sigma_rotation]),
        labels,
        GRID,
        "lagrangian",
        analysis=Analysis(labels, GRID, resolution, field.vectors, 1, noise),
    )


def rms(values: np.ndarray, **options: object) -> np.ndarray:
    """Root mean square."""
    return np.sqrt(np.nanmean(np.square(values), **options))


def chi_of(scene: Scene, beams: int, seeds: int = 16, first: int = 0) -> dict[str, np.ndarray]:
    """Chi of each component in the interior, at the outline, of means and of a profile."""
    labels, resolution = scene.labels, scene.resolution * PERIOD
    distance = np.full(GRID.shape, np.inf)
    for label in np.unique(labels):
        inside = np.pad(labels == label, 1)
        near = distance_transform_edt(inside)[1:-1, 1:-1]
        distance = np.where(labels == label, near, distance)
    parts: dict[str, list] = {}
    line = line_between([(20, 40), (220, 40)], 50.0, resolution)
    for seed in range(first, first + seeds):
        found = analyse(scene, beams, np.random.default_rng(seed))
        ratio = found.components / found.sigmas
        inner = distance > (4 if (distance > 4 * resolution).any() else 2.5) * resolution
        parts.setdefault("interior", []).append(ratio[:, inner])
        parts.setdefault("outline", []).append(ratio[:, distance < resolution])
        three = MeasuredStrain(
            found.components,
            found.sigmas[:3],
            labels,
            GRID,
            "lagrangian",
            analysis=found.analysis,
        )
        means = three.means()
        parts.setdefault("means", []).append(means.mean / means.error)
        parts.setdefault("own mean", []).append((means.mean / means.error)[:, :1])
        profile = three.profile(line, labels > 0, three.components)
        parts.setdefault("profile", []).append(profile.mean / profile.error)
    return {name: rms(np.concatenate(one, axis=1), axis=1) for name, one in parts.items()}


def well(reflections: np.ndarray, seeds: int, **scan: object) -> dict[str, tuple[float, float]]:
    """Root mean square error of e_xx and e_yy in the barriers 1 nm inside, and chi of each."""
    from hyperspy_twin import data

    found: dict[str, list] = {}
    for seed in range(seeds):
        signal = data.sige_quantum_well(seed=seed, **scan)
        sample = json.loads(signal.metadata.Twin.sample)
        pixel = signal.axes_manager[0].scale
        truth = data.truth(sample["name"], sample["arguments"])
        labels, grid = truth.labels, Grid(signal.data.shape, (pixel, pixel))
        resolution = 0.5
        label = int(np.bincount(labels[labels != 2]).argmax())
        field = geometric_phase_analysis(
            signal.data,
            grid,
            reflections,
            resolution=resolution,
            reference=reference_mask(labels, label, MARGIN * resolution / pixel),
            labels=labels,
        )
        inner = (distance_transform_edt(np.pad(labels == label, 1))[1:-1, 1:-1] * pixel) > 1.0
        for name in ("xx", "yy"):
            error = (getattr(field, f"e_{name}") - truth.strain[f"e_{name}"])[inner]
            found.setdefault(name, []).append((error, getattr(field, f"sigma_{name}")[inner]))
    result = {}
    for name, pairs in found.items():
        errors, sigmas = (np.concatenate([one[n] for one in pairs]) for n in (0, 1))
        result[name] = float(rms(errors)), float(rms(errors / sigmas))
    return result


WELL_BASIS = np.array([[np.sqrt(2), 0.0], [0.0, 1.0]]) / 0.5584  # 1/nm: (1-10)/2 and (001)
WELL_BEAMS = np.array([[2, 0], [0, 4], [1, 1], [1, -1], [1, 3], [1, -3]], float)
WELL_NAMES = ("220", "004", "111", "11-1", "113", "11-3")


def print_errors() -> None:
    """Print the table of lattices of columns, and that of wells."""
    print("image                               beams  " + "".join(f"{n:22}" for n in PARTS))
    for name, scene in SCENES.items():
        for beams in (2, 4, 6):
            chi = chi_of(scene, beams)
            text = "  ".join(" ".join(f"{one:4.2f}" for one in chi[part]) for part in PARTS)
            print(f"{name:36}{beams:4}   {text}", flush=True)
    print_wells()


PARTS = ("interior", "outline", "means", "own mean", "profile")
SCENES = {
    **{
        f"{kind}, s = {s} a, dose {dose}": Scene(dose, resolution=s, height=h, whole=h == 256)
        for kind, h in (("whole", 256), ("halves", 128))
        for s in (1.0, 1.5)
        for dose in (10, 100, 1000)
    },
    "whole, jitter": Scene(1000, jitter=0.01, whole=True),
    "halves, jitter": Scene(1000, jitter=0.01, height=128),
    "slabs of 8 s, jitter": Scene(1000, jitter=0.01, height=64, resolution=1.0),
    "slabs of 11 s, jitter": Scene(1000, jitter=0.01, height=86, resolution=1.0),
    "whole, alloy": Scene(1000, alloy=0.04, whole=True),
    "halves, alloy": Scene(1000, alloy=0.04, height=128),
    "halves, alloy and jitter": Scene(1000, alloy=0.04, jitter=0.01, height=128),
    "slabs of 8 s, alloy and jitter": Scene(
        1000, alloy=0.04, jitter=0.01, height=64, resolution=1.0
    ),
}


def print_wells(seeds: int = 10) -> None:
    """Print the table of wells."""
    print("\nrows  jitter/nm  e_xx  chi  best pair: rms  chi  ratio | e_yy likewise")
    vectors = WELL_BEAMS @ WELL_BASIS
    for rows, jitter in ((512, 0.003), (512, 0.0), (1024, 0.003), (1024, 0.0)):
        scan = {"shape": (rows, 512), "well_thickness": 8.0, "scan_jitter": jitter}
        pairs = {(a, b): well(vectors[[a, b]], seeds, **scan) for a, b in combinations(range(4), 2)}
        every = well(vectors, seeds, **scan)
        text = []
        for name in ("xx", "yy"):
            best = min(pairs, key=lambda pair: pairs[pair][name][0])
            text.append(
                f"{every[name][0]:.2e} {every[name][1]:.2f}  pair "
                f"{'+'.join(WELL_NAMES[n] for n in best)} {pairs[best][name][0]:.2e} "
                f"{pairs[best][name][1]:.2f}  {every[name][0] / pairs[best][name][0]:.3f}"
            )
        print(f"{rows:5} {jitter}  " + " | ".join(text), flush=True)
