"""Strain of known fields, beside peers: ``python benchmarks/gpa_peers.py [folder of SciLink]``.

All see the same images, with the same reference and a Gaussian window of the same width, in one run
with one thread. Peers are GPA with two beams as written in the textbook, in float64 NumPy, and
``gpa_strain_map`` of SciLink 0.0.83, whose unpacked wheel is the argument; it runs as shipped (auto
reference, extra smoothing) and with our reference, mask and no smoothing; its Eulerian strains are
made Lagrangian. Printed are the error of
e_xx and e_yy (root mean square over the interior; worst in the plateaus of a step; slope against
the truth of a sine) and the shortest of three times, with ratios to ours.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from scipy.fft import set_workers

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis

SIZE, PERIOD, MARGIN = 1024, 16.0, 96
SQUARE = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [2, 0], [0, 2]], float)
VECTORS = SQUARE[:2] / PERIOD
RESOLUTION = PERIOD
WIDTH = 0.17  # of the columns in periods
Strains = tuple[np.ndarray, np.ndarray]
Method = Callable[[np.ndarray, np.ndarray], Strains]


@dataclass
class Field:
    """Displacement with its strain (e_xx, e_yy), the reference, and where errors are counted."""

    name: str
    displacement: tuple[np.ndarray, np.ndarray]
    strain: Strains
    reference: np.ndarray
    counted: np.ndarray


def fields() -> list[Field]:
    """Make steps, sines and a dislocation."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    nothing, inner = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE), bool)
    inner[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    left = (x < SIZE / 2 - MARGIN) & inner
    found = [Field("perfect", (nothing, nothing), (nothing, nothing), inner, inner)]
    for misfit in (0.02, 0.104):
        beyond = np.maximum(x - SIZE / 2, 0.0)
        plateau = inner & (np.abs(x - SIZE / 2) > MARGIN)
        found.append(
            Field(
                f"step {misfit:.1%}",
                (misfit / (1 + misfit) * beyond, nothing),
                (np.where(x > SIZE / 2, misfit, 0.0), nothing),
                left,
                plateau,
            )
        )
    for periods in (15, 45):
        length, height = periods * RESOLUTION, 0.01
        phase = 2 * np.pi * (x - SIZE / 2) / length
        u = -height * length / (2 * np.pi) * np.cos(phase)
        gradient = height * np.sin(phase)
        found.append(
            Field(
                f"sine of {periods} s",
                (u, nothing),
                (gradient / (1 - gradient), nothing),
                inner,
                inner,
            )
        )
    found.append(dislocation(x - SIZE / 2 + 0.3, y - SIZE / 2 + 0.3, inner))
    return found


def dislocation(x: np.ndarray, y: np.ndarray, inner: np.ndarray) -> Field:
    """Edge dislocation in an isotropic crystal (Volterra, Poisson's ratio 0.28).

    References
    ----------
    J. P. Hirth, J. Lothe, Theory of Dislocations, 2nd ed., Wiley (1982), section 3.5.
    """
    b, nu = PERIOD, 0.28
    r2 = x**2 + y**2
    u_x = b / (2 * np.pi) * (np.arctan2(y, x) + x * y / (2 * (1 - nu) * r2))
    u_y = (
        -b
        / (2 * np.pi)
        * ((1 - 2 * nu) / (4 * (1 - nu)) * np.log(r2) + (x**2 - y**2) / (4 * (1 - nu) * r2))
    )
    factor = b / (4 * np.pi * (1 - nu) * r2**2)
    e_xx = -factor * y * ((3 - 2 * nu) * x**2 + (1 - 2 * nu) * y**2)
    e_yy = factor * y * ((1 + 2 * nu) * x**2 - (1 - 2 * nu) * y**2)
    far = inner & (r2 > (5 * RESOLUTION) ** 2)
    return Field("dislocation", (u_x, u_y), (e_xx, e_yy), far, far)


def image_of(field: Field) -> np.ndarray:
    """Gaussian columns of mean 1, displaced."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    x, y = x - field.displacement[0], y - field.displacement[1]
    image = np.zeros((SIZE, SIZE))
    for h in range(-4, 5):
        for k in range(-4, 5):
            damping = np.exp(-2.0 * (np.pi * WIDTH) ** 2 * (h * h + k * k))
            if damping > 1e-5:
                image += damping * np.cos(2 * np.pi * (h * x + k * y) / PERIOD)
    return np.maximum(image, 0.0)


def ours(beams: int) -> Method:
    """Give this package with some reflections."""

    def method(image: np.ndarray, reference: np.ndarray) -> Strains:
        result = geometric_phase_analysis(
            image,
            Grid(image.shape, (1.0, 1.0)),
            SQUARE[:beams] / PERIOD,
            resolution=RESOLUTION,
            reference=reference,
            displacement=False,
        )
        return result.e_xx, result.e_yy

    return method


def textbook(image: np.ndarray, reference: np.ndarray) -> Strains:
    """GPA of two beams by whole complex transforms, as Lagrangian strain.

    References
    ----------
    M. J. Hytch, E. Snoeck, R. Kilaas, Ultramicroscopy 74 (1998) 131-146.
    """
    spectrum = np.fft.fft2(image - image.mean())
    ky, kx = np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1])[None]
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    changes, lattice = [], []
    for g in VECTORS:
        squared = (kx - g[0]) ** 2 + (ky - g[1]) ** 2
        wave = np.fft.ifft2(spectrum * np.exp(-2 * (np.pi * RESOLUTION) ** 2 * squared))
        turn = wave * np.exp(-2j * np.pi * (g[0] * x + g[1] * y))
        slope = [(np.gradient(turn, axis=axis) / turn).imag / (2 * np.pi) for axis in (1, 0)]
        mean = [float(one[reference].mean()) for one in slope]
        changes.append([one - middle for one, middle in zip(slope, mean, strict=True)])
        lattice.append(g + mean)
    gradient = -np.einsum("ik,kj...->ij...", np.linalg.inv(np.array(lattice)), np.array(changes))
    matrix = np.moveaxis(np.eye(2)[..., None, None] - gradient, (0, 1), (-2, -1))
    stretched = np.linalg.inv(matrix) - np.eye(2)
    return stretched[..., 0, 0], stretched[..., 1, 1]


def scilink(folder: str) -> dict[str, Method]:
    """Give the peer as shipped, and as near to ours as its arguments allow."""
    sys.path.insert(0, str(Path(folder)))
    from scilink.skills._shared.strain import gpa_strain_map

    def lagrangian(found: dict[str, np.ndarray]) -> Strains:
        return found["exx"] / (1 - found["exx"]), found["eyy"] / (1 - found["eyy"])

    def matched(image: np.ndarray, reference: np.ndarray) -> Strains:
        rows, columns = np.nonzero(reference)
        box = (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
        found = gpa_strain_map(
            image,
            reflections=[(g[0] * SIZE, g[1] * SIZE) for g in VECTORS],
            reference_roi=tuple(map(int, box)),
            mask_frac=1 / (2 * np.pi * RESOLUTION) * PERIOD,
            smooth=1e-3,
            amp_percentile=0.0,
        )
        return lagrangian(found)

    def shipped(image: np.ndarray, reference: np.ndarray) -> Strains:
        found = gpa_strain_map(image)
        return lagrangian(found)

    return {"SciLink, matched": matched, "SciLink, as shipped": shipped}


def score(field: Field, found: Strains) -> tuple[float, float]:
    """Give root mean square of the error, or its worst in a plateau, and the slope of e_xx."""
    inside = field.counted & np.isfinite(found[0]) & np.isfinite(found[1])
    errors = np.array(
        [one[inside] - true[inside] for one, true in zip(found, field.strain, strict=True)]
    )
    size = np.abs(errors).max() if field.name.startswith("step") else np.sqrt(np.mean(errors**2))
    true, measured = field.strain[0][inside], found[0][inside]
    spread = np.sum((true - true.mean()) ** 2)
    slope = np.sum((true - true.mean()) * measured) / spread if spread else np.nan
    return float(size), float(slope)


def main(arguments: list[str]) -> None:
    """Print the table."""
    methods: dict[str, Method] = {"2 beams": ours(2), "6 beams": ours(6), "textbook": textbook}
    if arguments:
        methods |= scilink(arguments[0])
    else:
        print("SciLink is left out: give the folder of its unpacked wheel")
    numba.set_num_threads(1)
    print("field          dose    method                 error    /ours  slope  seconds   /ours")
    for field in fields():
        image = image_of(field)
        for dose in (None, 100.0):
            noisy = image if dose is None else np.random.default_rng(0).poisson(dose * image)
            first: tuple[float, float] | None = None
            for name, method in methods.items():
                times = []
                for _ in range(3):
                    start = time.perf_counter()
                    with set_workers(1):
                        found = method(noisy.astype(float), field.reference)
                    times.append(time.perf_counter() - start)
                error, slope = score(field, found)
                first = first or (error, min(times))
                print(
                    f"{field.name:14} {dose or 'none':>5}   {name:20} {error:.2e} "
                    f"{error / first[0]:7.2f} {slope:6.3f} {min(times):8.3f} "
                    f"{min(times) / first[1]:7.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:])
