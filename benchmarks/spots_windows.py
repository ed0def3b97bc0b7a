"""Whether a soft window or the periodic-plus-smooth decomposition shows more spots of an image.

Run: python benchmarks/spots_windows.py [--images n]

Noisy lattices with a sloping background, in frames that hold no whole number of periods. The same
detector sees the spectrum in the package's window, in Hann's window, and that of the periodic part
of the image (Moisan, J. Math. Imaging Vis. 39 (2011) 161) without a window or with a narrow taper.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import fft
from scipy.signal.windows import hann, tukey

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.detection.candidates import find_candidates
from hyperspy_twin.spectra.transform import WindowedRegion, windowed_region

NOISE, WEAKEST, FALSE_ALARMS = 2.0, 12.0, 0.05


def periodic_part(image: np.ndarray) -> np.ndarray:
    """Image without the smooth part that its unequal borders need."""
    rows, columns = image.shape
    jumps = np.zeros_like(image)
    jumps[0] += image[0] - image[-1]
    jumps[-1] -= image[0] - image[-1]
    jumps[:, 0] += image[:, 0] - image[:, -1]
    jumps[:, -1] -= image[:, 0] - image[:, -1]
    laplacian = 2 * np.cos(2 * np.pi * fft.fftfreq(rows))[:, None]
    laplacian = laplacian + 2 * np.cos(2 * np.pi * fft.fftfreq(columns)) - 4
    laplacian[0, 0] = 1
    smooth = fft.fft2(jumps) / laplacian
    smooth[0, 0] = 0
    return image - fft.ifft2(smooth).real


def lattice(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, its spots in cycles per pixel (n, 2), and their SNR in a spectrum without window."""
    rows, columns = rng.integers(300, 600, 2)
    y, x = np.mgrid[:rows, :columns].astype(float)
    turn = rng.uniform(0, np.pi) + np.array([0, rng.uniform(np.pi / 3, 2 * np.pi / 3)])
    basis = rng.uniform(0.05, 0.12, 2)[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    index = np.array([(h, k) for h in range(-3, 4) for k in range(-3, 4) if (h, k) > (0, 0)])
    spots = index @ basis
    spots = spots[np.abs(spots).max(axis=1) < 0.39]
    amplitude = np.exp(-rng.uniform(0, 5.5, len(spots)))
    image = rng.uniform(-3, 3) * x / columns + rng.uniform(-3, 3) * y / rows
    for g, height in zip(spots, amplitude, strict=True):
        image += height * np.cos(2 * np.pi * (g[0] * x + g[1] * y) + rng.uniform(0, 6))
    image += rng.normal(scale=NOISE, size=image.shape)
    return image, spots, amplitude**2 / 4 * image.size / NOISE**2


def windowed(pixels: np.ndarray, window: np.ndarray, grid: Grid) -> WindowedRegion:
    """Spectrum of an image in a window of our choice."""
    pixels = ((pixels - pixels.mean()) * window).astype(np.float32)
    return WindowedRegion(pixels, window.astype(np.float32), fft.rfft2(pixels), grid)


def views(image: np.ndarray) -> dict[str, WindowedRegion]:
    """Spectra of an image by each way."""
    grid = Grid(image.shape, (1.0, 1.0))
    periodic = periodic_part(image)
    hanning, taper = (
        np.outer(*(shape(size) for size in image.shape))
        for shape in (lambda n: hann(n), lambda n: tukey(n, 0.1))
    )
    return {
        "soft window": windowed_region(image, grid, np.ones(image.shape, bool)),
        "Hann's window": windowed(image, hanning, grid),
        "periodic part": windowed(periodic, np.ones(image.shape), grid),
        "periodic part, taper": windowed(periodic, taper, grid),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=40)
    rng = np.random.default_rng(20261120)
    counts: dict[str, np.ndarray] = {}
    for _ in range(parser.parse_args().images):
        image, spots, snr = lattice(rng)
        close = 3 / min(image.shape)
        for name, region in views(image).items():
            found = find_candidates(region, FALSE_ALARMS).maxima.frequency
            both = (np.linalg.norm(spots[:, None] - sign * found, axis=2) for sign in (1, -1))
            away = np.minimum(*both)
            seen = (away.min(axis=1, initial=np.inf) < close)[snr > WEAKEST]
            false = int((away.min(axis=0, initial=np.inf) > close).sum())
            counts[name] = counts.get(name, 0) + np.array([seen.sum(), seen.size, false])
    for name, (seen, spots, false) in counts.items():
        print(f"{name:22} recall {seen / spots:.3f} of {spots} spots, {false} false")


if __name__ == "__main__":
    main()
