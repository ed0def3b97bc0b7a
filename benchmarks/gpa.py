"""Precision and speed of geometric phase analysis.

``python benchmarks/gpa.py [precision] [errors] [speed] [memory]``

Precision: root mean square error of e_xx and e_yy in a lattice of Gaussian columns, beside the
Cramer-Rao bound of all that the image knows, the floor of generalised least squares with the true
covariance of the chosen beams (counting noise only), and the pair; with the ratio of true to
stated error of each component. Speed: seconds, and in pairs of a float32 rfft2 and irfft2 of the
padded size in the same process, each with one and with two workers (threads of kernels and of
transforms). Memory: what the process holds at most above what it held after the imports, the
image and the maps that are returned included, in a new process for each size; the largest images
are analysed lazily, and their maps written to a zarr array in a temporary folder by one worker.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

import dask.array
import numba
import numpy as np
import scipy.fft
import zarr
from gpa_errors import print_errors

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.coarse_grid import make_coarse_grid

PERIOD = 16.0  # pixels, and the resolution
SIZE, MARGIN, SEEDS = 512, 80, 6
SQUARE = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [2, 0], [0, 2]], float)
HEXAGONAL = np.array([[1, 0], [0.5, np.sqrt(0.75)], [-0.5, np.sqrt(0.75)]])
MAPS = (
    "e_xx", "e_yy", "e_xy", "rotation", "u_x", "u_y",
    "sigma_xx", "sigma_yy", "sigma_xy", "sigma_rotation",
)  # fmt: skip
COMPONENTS = ("xx", "yy", "xy", "rotation")


def damping(g: np.ndarray, width: float) -> float:
    """Fourier coefficient of Gaussian columns of a width in periods, over the mean."""
    return float(np.exp(-2.0 * (np.pi * width) ** 2 * (g @ g)))


def columns(width: float, basis: np.ndarray, size: int) -> np.ndarray:
    """Lattice of Gaussian columns of mean 1."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    image = np.zeros((size, size))
    for h in range(-7, 8):
        for k in range(-7, 8):
            g = h * basis[0] + k * basis[1]
            if damping(g, width) > 1e-6:
                turns = 2.0 * np.pi * (g[0] * x + g[1] * y) / PERIOD
                image += damping(g, width) * np.cos(turns)
    return np.maximum(image, 0.0)


def bound(image: np.ndarray, dose: float, counted: bool) -> float:
    """Cramer-Rao bound of the error of e_xx and e_yy."""
    slope = np.stack(np.gradient(image)[::-1])[:, 8:-8, 8:-8] * dose
    variance = dose * (np.maximum(image, 1e-9)[8:-8, 8:-8] if counted else 1.0)
    information = np.mean(slope**2 / variance, axis=(1, 2))
    return float(np.sqrt(np.mean(1.0 / (8.0 * np.pi * PERIOD**4 * information))))


def floor(g: np.ndarray, width: float, dose: float, counted: bool) -> float:
    """Error of generalised least squares with the true covariance of the phases."""
    amplitude = dose * np.array([damping(one, width) for one in g])
    covariance = 0.5 * dose * np.eye(len(g))
    if counted:
        covariance = np.array(
            [[0.5 * dose * (damping(a - b, width) - damping(a + b, width)) for b in g] for a in g]
        )
    phases = covariance / np.outer(amplitude, amplitude)
    normal = g.T @ np.linalg.inv(phases) @ g * (2.0 * np.pi / PERIOD) ** 2
    return float(np.sqrt(np.mean(np.diag(np.linalg.inv(normal))) / (8.0 * np.pi * PERIOD**4)))


def errors(image: np.ndarray, g: np.ndarray, dose: float, counted: bool) -> tuple[float, list]:
    """Error of e_xx and e_yy in the interior, and chi of each component."""
    rng = np.random.default_rng(0)
    true = {name: [] for name in COMPONENTS}
    stated = {name: [] for name in COMPONENTS}
    inside = slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN)
    for _ in range(SEEDS):
        noisy = rng.poisson(dose * image) if counted else rng.normal(dose * image, np.sqrt(dose))
        result = geometric_phase_analysis(
            noisy.astype(float),
            Grid(image.shape, (1.0, 1.0)),
            g / PERIOD,
            resolution=PERIOD,
            reference=np.ones(image.shape, bool),
        )
        for name in COMPONENTS:
            value = result.rotation if name == "rotation" else getattr(result, f"e_{name}")
            true[name].append(value[inside])
            stated[name].append(getattr(result, f"sigma_{name}")[inside])

    def rms(values: list) -> float:
        return float(np.sqrt(np.mean(np.square(values))))

    chi = [rms(true[name]) / rms(stated[name]) for name in COMPONENTS]
    return rms([true["xx"], true["yy"]]), chi


def precision() -> None:
    """Print the table of precision."""
    print(
        "lattice    noise   width dose beams   rms      /floor /bound /pair  chi xx yy xy rotation"
    )
    for name, reflections, counts in (
        ("square", SQUARE, (2, 4, 6)),
        ("hexagonal", HEXAGONAL, (2, 3)),
    ):
        for counted in (True, False):
            for width, dose in ((0.12, 100), (0.17, 10), (0.17, 100), (0.17, 1000)):
                image = columns(width, reflections[:2], SIZE)
                pair = None
                for count in counts:
                    g = reflections[:count]
                    found, chi = errors(image, g, dose, counted)
                    pair = found if pair is None else pair
                    print(
                        f"{name:10} {'counted' if counted else 'white':7} {width:5} {dose:4} "
                        f"{count:3}   {found:.3e}  {found / floor(g, width, dose, counted):.3f} "
                        f"{found / bound(image, dose, counted):6.3f} {found / pair:6.3f}  "
                        + " ".join(f"{one:.2f}" for one in chi),
                        flush=True,
                    )


def noisy_lattice(size: int) -> np.ndarray:
    """Draw a counted image of a square lattice, float32."""
    tile = (100 * columns(0.17, SQUARE[:2], 256)).astype(np.float32)
    rng = np.random.default_rng(0)
    rows = [rng.poisson(np.tile(tile, (1, size // 256))) for _ in range(size // 256)]
    return np.concatenate([row.astype(np.float32) for row in rows])


def speed() -> None:
    """Print the time of images of rising size."""
    print("size  beams regions displacement  seconds and pairs with 1 worker, with 2")
    for size in (512, 1024, 2048):
        image = noisy_lattice(size)
        grid = Grid(image.shape, (1.0, 1.0))
        padded = make_coarse_grid(image.shape, grid.scale, PERIOD).padded
        labels = np.repeat([1, 2], size // 2)[:, None] * np.ones(size, int)
        for count, given in ((2, None), (6, None), (2, labels)):
            for displacement in (False, True):
                regions = 0 if given is None else 2
                line = f"{size:5} {count:4} {regions:7} {'yes' if displacement else 'no':>10}"
                for workers in (1, 2):
                    if workers > numba.config.NUMBA_NUM_THREADS:
                        continue
                    numba.set_num_threads(workers)

                    def analyse(
                        image: np.ndarray = image,
                        grid: Grid = grid,
                        count: int = count,
                        given: np.ndarray | None = given,
                        displacement: bool = displacement,
                    ) -> None:
                        geometric_phase_analysis(
                            image,
                            grid,
                            SQUARE[:count] / PERIOD,
                            resolution=PERIOD,
                            reference=np.ones(image.shape, bool),
                            labels=given,
                            displacement=displacement,
                        )

                    def transform(
                        image: np.ndarray = image,
                        padded: tuple[int, int] = padded,
                        workers: int = workers,
                    ) -> None:
                        spectrum = scipy.fft.rfft2(image, padded, workers=workers)
                        scipy.fft.irfft2(spectrum, padded, workers=workers)

                    analyse()
                    ours, pair = fastest(analyse, transform)
                    line += f"   {ours:8.3f} {ours / pair:6.1f}"
                print(line, flush=True)


def memory() -> None:
    """Print the memory of images of rising size."""
    print("size  displacement  MB above import  of these input  of these returned  seconds")
    for size in (1024, 2048, 4096, 8192, 16384):
        for displacement in ("", "displacement"):
            lazy = "lazy" if size > 4096 else ""
            command = [sys.executable, __file__, "hold", str(size), displacement, lazy]
            subprocess.run(command, check=True)


def hold(size: int, displacement: bool, lazy: bool) -> None:
    """Analyse one image and print what the process held at most."""
    kernels = np.tile(columns(0.17, SQUARE[:2], 256), (2, 2)).astype(np.float32)
    options = {"resolution": PERIOD, "displacement": displacement, "lazy": lazy}
    small = Grid(kernels.shape, (1.0, 1.0))
    names = [one for one in MAPS if displacement or one not in ("u_x", "u_y")]

    def analyse(image: np.ndarray, grid: Grid, reference: np.ndarray, folder: str) -> int:
        field = geometric_phase_analysis(
            image, grid, SQUARE[:2] / PERIOD, reference=reference, **options
        )
        if not lazy:
            return len(names) * field.e_xx.nbytes
        maps = field.stack(names)
        # Chunks of dask and zarr are the same, so that no two threads write to one of them.
        file = zarr.open(folder, mode="w", shape=maps.shape, chunks=maps.chunksize, dtype="f4")
        with dask.config.set(scheduler="single-threaded"):
            dask.array.store(maps, file, lock=False)
        return 0

    with tempfile.TemporaryDirectory() as folder:
        analyse(kernels, small, np.ones(small.shape, bool), folder)
        before = held("VmRSS")
        image = noisy_lattice(size)
        reference = np.ones(image.shape, bool)
        forget_peak()
        start = time.perf_counter()
        returned = analyse(image, Grid(image.shape, (1.0, 1.0)), reference, folder) / 1e6
        seconds = time.perf_counter() - start
    given = (image.nbytes + reference.nbytes) / 1e6
    shown = "yes" if displacement else "no"
    print(
        f"{size:5} {shown:>8} {held('VmHWM') - before:14.0f} {given:14.0f} {returned:14.0f} "
        f"{seconds:12.1f}",
        flush=True,
    )


def held(name: str) -> float:
    """Memory of this process in MB as Linux tells it: ``VmRSS`` now, ``VmHWM`` at most."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1e3


def forget_peak() -> None:
    """Let Linux count the peak of the memory from now on."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def fastest(*calls) -> list[float]:
    """Shortest of some times of each call in seconds, taken in turn."""
    times = []
    for _ in range(7):
        for call in calls:
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return [min(times[i :: len(calls)]) for i in range(len(calls))]


if __name__ == "__main__":
    if sys.argv[1:2] == ["hold"]:
        hold(int(sys.argv[2]), bool(sys.argv[3]), bool(sys.argv[4]))
    else:
        for part in sys.argv[1:] or ("precision", "errors", "speed", "memory"):
            {
                "precision": precision,
                "errors": print_errors,
                "speed": speed,
                "memory": memory,
            }[part]()
