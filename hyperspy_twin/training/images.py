"""Images of known peaks, drawn from a seed, for training and judging peak detectors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import fft, ndimage

from hyperspy_twin.core import Grid
from hyperspy_twin.spectra import WindowedRegion, windowed_region
from hyperspy_twin.training import fields, masks
from hyperspy_twin.training.detector import Detector, random_detector
from hyperspy_twin.training.lattices import (
    ProjectedLattice,
    random_lattice,
    related_lattice,
    render,
)
from hyperspy_twin.training.truth import Part, TruePeaks, find_true_peaks

CATEGORIES = ("noise", "amorphous", "single", "grains", "scan noise", "small", "masked")
# Fraction of the images that is of each category.
_FRACTION = (0.06, 0.12, 0.18, 0.2, 0.2, 0.12, 0.12)
# Rows and columns of an image.
SMALLEST = 128
LARGEST = 768
# Signal-to-noise ratio of the strongest peak: lowest, highest, and highest where there is hardly
# noise.
LOWEST_SNR = 12.0
HIGHEST_SNR = 3e5
HIGHEST_NOISELESS = 1e12


@dataclass(frozen=True)
class TrainingImage:
    """One drawn image.

    Attributes
    ----------
    image
        float32, shape (rows, columns).
    mask
        Boolean region in it, shape (rows, columns).
    region
        The windowed region of the image, on a grid of one pixel.
    peaks
        What a perfect detector finds there.
    category
        One of :data:`CATEGORIES`.
    """

    image: np.ndarray
    mask: np.ndarray
    region: WindowedRegion
    peaks: TruePeaks
    category: str


@dataclass(frozen=True)
class _Noise:
    """Noise in counts: Poisson of ``mean``, an amorphous layer, scan lines; and the detector.

    The layer is white noise of variance ``layer`` (per pixel) times a transfer function of the
    frequency in cycles per pixel.
    """

    mean: np.ndarray
    layer: np.ndarray
    centre: float
    width: float
    rings: float
    lines: float
    detector: Detector

    def transfer(self, shape: tuple[int, int]) -> np.ndarray:
        """Amplitude on the half plane: a halo, with the rings of a defocused lens or without."""
        frequency = np.hypot(fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None, :])
        halo = np.exp(-(((frequency - self.centre) / self.width) ** 2))
        if self.rings > 0:
            return halo * np.abs(np.sin(np.pi * self.rings * frequency**2))
        return halo

    def expected_power(self, window: np.ndarray) -> np.ndarray:
        """Mean power on the half plane of the windowed noise."""
        transfer = self.transfer(window.shape)
        power = np.full(transfer.shape, float((window**2 * self.mean).sum()))
        power += (window**2 * self.layer).sum() * transfer**2
        power += self.lines**2 * (np.abs(fft.rfft(window, axis=1)) ** 2).sum(axis=0)
        return power * np.abs(self.detector.on_half_plane(window.shape)) ** 2


def training_image(seed: int, category: str | None = None) -> TrainingImage:
    """Draw an image with its true peaks.

    Lattices are sampled in real space where bending, drift and scan jitter put them, and
    multiplied by thickness fringes and grain outlines; amorphous layers, uneven brightness,
    counting statistics and quantisation follow.

    Parameters
    ----------
    seed
        Any non-negative integer; the same one gives the same image.
    category
        One of :data:`CATEGORIES`; drawn where it is None.

    Returns
    -------
    TrainingImage
        Rows and columns between 128 and 768.

    Raises
    ------
    ValueError
        If the category is not known.
    """
    random = np.random.default_rng(seed)
    drawn = str(random.choice(CATEGORIES, p=_FRACTION))
    if category not in (None, *CATEGORIES):
        raise ValueError(f"category must be one of {CATEGORIES}, not {category!r}")
    category = category or drawn
    shape = _random_shape(random)
    mask = masks.random_mask(shape, category, random)
    cut = ndimage.find_objects(mask.astype(np.uint8))[0]
    brightness = fields.brightness(shape, random, category != "scan noise")
    noise = _random_noise(brightness, category, random)
    window = windowed_region(np.ones(shape, np.float32), Grid(shape, (1.0, 1.0)), mask).window
    inside = replace(noise, mean=noise.mean[cut], layer=noise.layer[cut])
    expected = inside.expected_power(window)
    jitter = fields.jitter(shape, random) if category == "scan noise" else None
    parts = [
        _part(lattice, envelope, jitter, noise, expected, window, cut, random)
        for lattice, envelope in _grains(shape, category, random)
    ]
    lattices = sum((part.image for part in parts), np.zeros(shape, np.float32))
    image, step = _recorded(brightness + lattices, noise, random)
    region = windowed_region(image, Grid(shape, (1.0, 1.0)), mask)
    parts = [replace(part, image=part.image[cut]) for part in parts]
    expected += step**2 / 12 * (window**2).sum()
    peaks = find_true_peaks(parts, noise.detector.seen(brightness)[cut], region, expected)
    return TrainingImage(image, mask, region, peaks, category)


def _random_shape(random: np.random.Generator) -> tuple[int, int]:
    sizes = np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST + 1), 2)).astype(int)
    if random.random() < 0.4:
        sizes[1] = sizes[0]
    return int(sizes[0]), int(sizes[1])


def _random_noise(brightness: np.ndarray, category: str, random: np.random.Generator) -> _Noise:
    amorphous = category == "amorphous" or (category != "noise" and random.random() < 0.45)
    mean = float(brightness.mean())
    layer = np.zeros_like(brightness)
    if amorphous:
        low, high = (1.0, 100.0) if category == "amorphous" else (0.1, 20.0)
        excess = np.exp(random.uniform(np.log(low), np.log(high)))
        layer += min(excess * mean, (0.3 * mean) ** 2)
        if category != "amorphous" and random.random() < 0.3:
            layer *= masks.outline(brightness.shape, random, softness=2.0)
    halo = random.random() < 0.5
    striped = category == "scan noise" and random.random() < 0.5
    return _Noise(
        mean=brightness,
        layer=layer,
        centre=random.uniform(0.05, 0.3) if halo else 0.0,
        width=random.uniform(0.02, 0.06) if halo else random.uniform(0.08, 0.35),
        rings=0.0 if halo or random.random() < 0.4 else random.uniform(10.0, 120.0),
        lines=np.sqrt(mean) * random.uniform(0.1, 1.0) if striped else 0.0,
        detector=random_detector(random, category == "scan noise"),
    )


def _grains(
    shape: tuple[int, int], category: str, random: np.random.Generator
) -> list[tuple[ProjectedLattice, np.ndarray]]:
    """Lattices with what their contrast is multiplied by, shape (rows, columns)."""
    count = {"noise": 0, "amorphous": 0, "single": 1, "grains": int(random.integers(2, 4))}.get(
        category, int(random.choice(3, p=(0.2, 0.6, 0.2)))
    )
    found: list[tuple[ProjectedLattice, np.ndarray]] = []
    apart = random.random() < 0.5
    for number in range(count):
        near = number > 0 and random.random() < 0.5
        lattice = related_lattice(found[0][0], random) if near else random_lattice(random)
        envelope = np.ones(shape, np.float32)
        if apart and number > 0:
            inside = masks.outline(shape, random, softness=random.uniform(0.5, 4.0))
            found = [(other, part * (1 - inside)) for other, part in found]
            envelope *= inside
        elif random.random() < 0.25:
            envelope *= masks.outline(shape, random, softness=random.uniform(0.5, 8.0))
        if random.random() < 0.3:
            envelope *= fields.fringes(shape, 0.5, random)
        found.append((lattice, envelope))
    return found


def _part(
    lattice: ProjectedLattice,
    envelope: np.ndarray,
    jitter: np.ndarray | None,
    noise: _Noise,
    expected: np.ndarray,
    window: np.ndarray,
    cut: tuple[slice, slice],
    random: np.random.Generator,
) -> Part:
    """Put a lattice into counts, so strong that its strongest peak has a drawn SNR."""
    brightness = noise.mean
    bending = fields.bending(brightness.shape, random)
    envelope = envelope * brightness / brightness.mean()
    weights = (window * envelope[cut]).astype(float)
    gradient = _mean_gradient(bending[:, cut[0], cut[1]], weights)
    inside = max(float(weights.sum() / window.sum(dtype=float)), 1e-6)
    frequency = lattice.frequency
    damping = np.abs(noise.detector.transfer(*frequency.T))
    amplitude = np.abs(lattice.coefficient) * damping * weights.sum()
    row = np.rint(frequency[:, 1] * np.sign(frequency[:, 0] + 1e-12) * window.shape[0]).astype(int)
    column = np.rint(np.abs(frequency[:, 0]) * window.shape[1]).astype(int)
    strongest = float((amplitude**2 / expected[row % window.shape[0], column]).max())
    noiseless = brightness.mean() > 2 * fields.HIGHEST_DOSE
    highest = HIGHEST_NOISELESS if noiseless else HIGHEST_SNR
    wanted = np.exp(random.uniform(np.log(LOWEST_SNR), np.log(highest)))
    # Hardly any count falls below zero: a lattice of deviation 1 spans about three of them.
    scale = min(np.sqrt(wanted / max(strongest, 1e-30)), float(brightness.mean()) / 3)
    displacement = bending if jitter is None else bending + jitter.astype(np.float32)
    image = noise.detector.seen(scale * envelope * render(lattice, displacement))
    mean = replace(
        lattice,
        basis=lattice.basis @ (np.eye(2) - gradient),
        coefficient=scale * damping * lattice.coefficient,
    )
    return Part(mean, image, inside)


def _mean_gradient(displacement: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of du_i/dr_j, both over (x, y), shape (2, 2)."""
    total = max(float(weights.sum()), 1e-6)
    slopes = [[np.gradient(u, axis=axis) for axis in (1, 0)] for u in displacement]
    return np.array([[float((one * weights).sum()) / total for one in row] for row in slopes])


def _recorded(
    mean: np.ndarray, noise: _Noise, random: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Image with all its noise, and its quantisation step in counts (0 for none)."""
    shape = mean.shape
    white = fft.rfft2(random.normal(size=shape).astype(np.float32))
    texture = fft.irfft2(white * noise.transfer(shape), s=shape)
    counts = np.maximum(mean + np.sqrt(noise.layer) * texture, 0)
    image = random.poisson(counts) + noise.lines * random.normal(size=(shape[0], 1))
    image = noise.detector.seen(image)
    if random.random() > 0.2:
        return image * np.float32(np.exp(random.uniform(-5, 5))), 0.0
    low, high = np.percentile(image, (0.05, 99.95))
    step = float(high - low) / 255
    return np.rint(np.clip((image - low) / step, 0, 255)).astype(np.float32), step
