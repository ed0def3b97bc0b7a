"""Generated images and damaged files through the whole chain, in processes that are watched.

Each case is made of its number alone: an image with or without a crystal, with odd values, sizes,
types, axes and bad pixels; or a file of a microscope that is cut, overwritten or spliced. It is
loaded, segmented, indexed, and its strain mapped. Counted is how each case ends:

phase       a crystal phase is named
none        the chain ends without naming a phase
refused     an error that says why, of the kinds that the documentation names
traceback   any other exception
invented    a phase is named in an image that shows no crystal
crash       the process died
hang        no answer after 60 s

    python benchmarks/fuzz.py --cases 10000 --jobs 2
    python benchmarks/fuzz.py --case 4711        # one case in this process, with its traceback
"""

from __future__ import annotations

import argparse
import json
import logging
import queue
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
# s; the mark is that no case takes longer. Compilation on a new machine is done before.
LONGEST = 60.0
# Cases for each process: its start takes as long as some ten cases.
BATCH = 100
# One case in so many is a damaged file.
FILES = 5
# Bytes; larger files take longer to copy than to read.
LARGEST_FILE = 8_000_000
PHASES = ["Si", "Ge", "Au", "SrTiO3"]
REFUSED = (ValueError, FileNotFoundError, ImportError, TypeError, NotImplementedError)
OUTCOMES = ("phase", "none", "refused", "traceback", "invented", "crash", "hang")


def lattice(rng: np.random.Generator, shape: tuple[int, int], pixel: float) -> np.ndarray:
    """Columns of silicon along [110], turned at random: values from 0 to 1."""
    y, x = np.mgrid[: shape[0], : shape[1]] * pixel
    angle = rng.uniform(0, np.pi)
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    image = np.zeros(shape)
    for h, k, weight in ((1, 1, 1.0), (1, -1, 1.0), (0, 2, 0.8), (2, 0, 0.4), (2, 2, 0.3)):
        image += weight * np.cos(2 * np.pi * (h * np.sqrt(2) * u + k * v) / 0.5431)
    return (image - image.min()) / np.ptp(image)


def flat(rng: np.random.Generator, shape: tuple[int, int], pixel: float) -> np.ndarray:
    """Nothing, a gradient, or steps of brightness."""
    y, x = np.mgrid[: shape[0], : shape[1]] / max(shape)
    return rng.choice([0, 1]) * x + rng.choice([0, 1]) * (y > 0.5) + rng.choice([0.0, 0.5])


def amorphous(rng: np.random.Generator, shape: tuple[int, int], pixel: float) -> np.ndarray:
    """Noise in a ring of spatial frequencies, as thin amorphous films show it."""
    from scipy import fft

    radius = np.hypot(fft.fftfreq(shape[0], pixel)[:, None], fft.rfftfreq(shape[1], pixel))
    ring = np.exp(-(((radius - rng.uniform(2.0, 4.5)) / rng.uniform(0.4, 1.5)) ** 2))
    image = fft.irfft2(fft.rfft2(rng.normal(size=shape)) * ring, shape)
    return (image - image.min()) / (np.ptp(image) or 1.0)


def blobs(rng: np.random.Generator, shape: tuple[int, int], pixel: float) -> np.ndarray:
    """Discs without a lattice."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape)
    for _ in range(rng.integers(1, 12)):
        centre, radius = rng.random(2) * shape, rng.uniform(2, 0.3 * min(shape) + 2.5)
        image += np.hypot(y - centre[0], x - centre[1]) < radius
    return image / image.max() if image.max() else image


SCENES = {"lattice": lattice, "flat": flat, "amorphous": amorphous, "blobs": blobs}


def make_image(rng: np.random.Generator) -> tuple[str, np.ndarray, list[float], str]:
    """Name of the scene, image, scales of x and y, and unit."""
    name = str(rng.choice(list(SCENES)))
    shape = tuple(int(n) for n in np.exp(rng.uniform(np.log(1), np.log(320), 2)))
    if rng.random() < 0.7:
        shape = tuple(int(n) for n in rng.integers(64, 320, 2))
    pixel = float(rng.uniform(0.01, 0.05))
    image = SCENES[name](rng, shape, pixel) * rng.choice([1.0, 50.0, 200.0, 6e4])
    noise = rng.choice(["none", "Gaussian", "Poisson"], p=[0.1, 0.5, 0.4])
    if noise == "Gaussian":
        image = image + rng.normal(0, rng.uniform(0.01, 0.5) * (image.max() or 1), shape)
    elif noise == "Poisson":
        image = rng.poisson(np.clip(image, 0, None) + rng.choice([0.0, 0.1, 5.0])).astype(float)
    scales, unit = [pixel, pixel], "nm"
    for damage in rng.choice(8, rng.integers(0, 3), replace=False):
        image, scales, unit = spoil(int(damage), rng, image, scales, unit)
    kind = rng.choice(["f4", "f8", "u1", "u2", "i2"], p=[0.4, 0.1, 0.2, 0.2, 0.1])
    if kind[0] != "f":
        limits = np.iinfo(kind)
        image = np.clip(np.nan_to_num(image), limits.min, limits.max)
    return name, image.astype(kind), scales, unit


def spoil(
    damage: int, rng: np.random.Generator, image: np.ndarray, scales: list[float], unit: str
) -> tuple[np.ndarray, list[float], str]:
    """One of the things that go wrong with images."""
    image = image.copy()
    rows, columns = image.shape
    if damage == 0:
        count = rng.integers(1, 30)
        image[rng.integers(0, rows, count), rng.integers(0, columns, count)] = rng.choice(
            [0, 65535, 1e6, np.nan, np.inf, -np.inf]
        )
    elif damage == 1:
        image[rng.integers(0, rows)] = rng.choice([0, 65535])
        image[:, rng.integers(0, columns)] = 0
    elif damage == 2:
        image[: rng.integers(0, rows + 1)] = rng.choice([0.0, np.nan])
    elif damage == 3:
        scales = [scale * rng.choice([-1, 1]) for scale in scales]
    elif damage == 4:
        scales = [float(rng.choice([0, np.nan, np.inf, 1e-12, 1e6, scale])) for scale in scales]
    elif damage == 5:
        unit = str(rng.choice(["", "px", "Å", "NM", "1/nm", "inch", "s", "m", "µm"]))
    elif damage == 6:
        image *= rng.choice([1e-30, 1e30, -1.0])
    else:
        image[:, :] = image[::-1]
        scales = [scales[0], scales[1] * 1.3]
    return image, scales, unit


def make_file(rng: np.random.Generator, folder: Path) -> Path:
    """Copy of a file of a microscope, cut, overwritten or spliced."""
    sources = sorted(
        path
        for path in DATA.iterdir()
        # A cut .bcf kills the process inside the memory map of its reader.
        if path.suffix not in (".md", ".npy", ".mat", ".bcf") and path.stat().st_size < LARGEST_FILE
    )
    source = sources[rng.integers(len(sources))]
    content = bytearray(source.read_bytes())
    damage = rng.choice(["cut", "overwritten", "spliced", "whole"], p=[0.4, 0.4, 0.15, 0.05])
    if damage == "cut":
        del content[rng.integers(0, len(content)) :]
    elif damage == "overwritten":
        # Half of the damage lies in the header, where it matters.
        end = min(len(content), 4096) if rng.random() < 0.5 else len(content)
        for start in rng.integers(0, end, rng.integers(1, 40)):
            content[start] = rng.integers(256)
    elif damage == "spliced":
        first, second = np.sort(rng.integers(0, len(content), 2))
        del content[first:second]
    path = folder / f"damaged{source.suffix}"
    path.write_bytes(content)
    return path


def run_case(number: int, folder: Path) -> tuple[str, str]:
    """Kind and outcome of one case; any other exception than those documented is raised."""
    import hyperspy.api as hs

    import hyperspy_twin as ht

    rng = np.random.default_rng(number)
    try:
        if number % FILES == 0 and DATA.is_dir():
            path = make_file(rng, folder)
            kind = f"file {path.suffix}"
            loaded = ht.load(path)
            images = loaded if isinstance(loaded, list) else [loaded]
            images = [
                s
                for s in images
                if isinstance(s, ht.Micrograph) and not s.axes_manager.navigation_size
            ][:1]
        else:
            kind, image, scales, unit = make_image(rng)
            signal = hs.signals.Signal2D(image)
            for axis, scale in zip(signal.axes_manager.signal_axes, scales, strict=True):
                axis.scale, axis.units = scale, unit
            signal.set_signal_type("twin_micrograph")
            images = [signal]
        for image in images:
            if min(image.axes_manager.signal_shape) > 600:
                image = image.isig[:512, :512]
            indexed = image.segment().find_peaks(show_progressbar=False).index_phases(PHASES)
            if not any(record.phase for record in indexed.phases):
                continue
            indexed.gpa()
            return kind, "phase" if kind == "lattice" or kind.startswith("file") else "invented"
    except REFUSED as error:
        return kind, "refused" if str(error) else "traceback"
    return kind, "none"


def work(first: int, last: int) -> None:
    """Run cases one after the other; a line of JSON before and after each."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, last):
            print(json.dumps({"case": number}), flush=True)
            try:
                kind, outcome = run_case(number, Path(folder))
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
                outcome = "traceback"
            print(json.dumps({"kind": kind, "outcome": outcome}), flush=True)


def watch(batches: queue.Queue, results: list[tuple[int, str, str]]) -> None:
    """Run batches in processes; what is left of one that dies or hangs is run in the next."""
    while True:
        try:
            first, last = batches.get_nowait()
        except queue.Empty:
            return
        while first < last:
            first = run_batch(first, last, results)


def run_batch(first: int, last: int, results: list[tuple[int, str, str]]) -> int:
    """Run a batch in one process, and give the number of the case to go on with."""
    command = [sys.executable, __file__, "--work", str(first), str(last)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_forward, args=(process.stdout, lines), daemon=True).start()
        current = None
        # The first case waits for imports and, on a new machine, for compilation.
        patience = 4 * LONGEST
        while True:
            try:
                line = lines.get(timeout=patience)
            except queue.Empty:
                process.kill()
                results.append((current or first, "", "hang"))
                return (current or first) + 1
            if not line:
                if current is not None:
                    results.append((current, "", "crash"))
                    return current + 1
                return last
            patience = LONGEST
            record = json.loads(line)
            if "case" in record:
                current = record["case"]
            else:
                results.append((current, record["kind"], record["outcome"]))
                current = None


def _forward(stream, lines: queue.Queue) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


def main() -> None:
    """Run the cases, or one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--case", type=int)
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    if options.case is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(*run_case(options.case, Path(folder)))
        return
    batches: queue.Queue = queue.Queue()
    end = options.first + options.cases
    for first in range(options.first, end, BATCH):
        batches.put((first, min(first + BATCH, end)))
    results: list[tuple[int, str, str]] = []
    workers = [threading.Thread(target=watch, args=(batches, results)) for _ in range(options.jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    table = Counter(
        ("file" if kind.startswith("file") else kind if kind in SCENES else "", outcome)
        for _, kind, outcome in results
    )
    print(f"{'':12}" + "".join(f"{outcome:>11}" for outcome in OUTCOMES))
    for kind in sorted({kind for kind, _ in table}):
        print(f"{kind:12}" + "".join(f"{table[kind, outcome]:11d}" for outcome in OUTCOMES))
    for number, kind, outcome in sorted(results):
        if outcome not in ("phase", "none", "refused"):
            print(f"case {number}: {outcome} {kind}")


if __name__ == "__main__":
    main()
