"""How a detector, a slow amplifier and filtering change all frequencies of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft


@dataclass(frozen=True)
class Detector:
    """Linear response, applied after the electrons are counted.

    Attributes
    ----------
    blur
        Standard deviation of the point spread in pixels.
    trail
        Fraction of each pixel's signal that the next one in its row still holds.
    cutoff, softness, rest
        Radius in cycles per pixel beyond which the image was filtered away, the width of that
        edge, and the amplitude that is left; no filter where ``cutoff`` is infinite.
    """

    blur: float = 0.0
    trail: float = 0.0
    cutoff: float = np.inf
    softness: float = 0.01
    rest: float = 0.0

    def transfer(self, along_x: np.ndarray, along_y: np.ndarray) -> np.ndarray:
        """Complex amplitude at frequencies in cycles per pixel."""
        radius = np.hypot(along_x, along_y)
        value = np.exp(-2 * (np.pi * self.blur * radius) ** 2).astype(complex)
        value *= (1 - self.trail) / (1 - self.trail * np.exp(-2j * np.pi * along_x))
        if np.isfinite(self.cutoff):
            passed = 0.5 - 0.5 * np.tanh((radius - self.cutoff) / self.softness)
            value *= self.rest + (1 - self.rest) * passed
        return value

    def on_half_plane(self, shape: tuple[int, int]) -> np.ndarray:
        """Complex amplitude on the half plane of an image of this shape."""
        return self.transfer(fft.rfftfreq(shape[1])[None, :], fft.fftfreq(shape[0])[:, None])

    def seen(self, image: np.ndarray) -> np.ndarray:
        """Image as the detector gives it, float32, shape (rows, columns)."""
        if self == Detector():
            return image.astype(np.float32)
        transform = fft.rfft2(image) * self.on_half_plane(image.shape)
        return fft.irfft2(transform, s=image.shape).astype(np.float32)


def random_detector(random: np.random.Generator, scanned: bool) -> Detector:
    """Draw a detector: most are sharp, those of images with errors of scanning often trail."""
    blurred, trailing, filtered = random.random(3) < (0.2, 0.35 if scanned else 0.05, 0.1)
    return Detector(
        blur=random.uniform(0.3, 0.6) if blurred else 0.0,
        trail=random.uniform(0.05, 0.6) if trailing else 0.0,
        cutoff=random.uniform(0.15, 0.45) if filtered else np.inf,
        softness=np.exp(random.uniform(np.log(0.004), np.log(0.06))),
        rest=np.exp(random.uniform(np.log(1e-4), np.log(0.1))),
    )
