"""Plane waves in an image: their moments, their sum and their spectra.

A wave of complex amplitude a and frequency f (cycles per pixel) stands for the fringe
2 Re(a exp(2 pi i f.r)), with r counted from the middle of the image. Sums over pixels separate
into one matrix product along x and a small one along y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PlaneWaves:
    """Plane waves of one image.

    Attributes
    ----------
    frequency
        (n, 2) cycles per pixel (x, y).
    amplitude
        (n,) complex, half the amplitude of the fringe, phase at the middle of the image.
    """

    frequency: np.ndarray
    amplitude: np.ndarray

    def __len__(self) -> int:
        return len(self.amplitude)


def moments(pixels: np.ndarray, frequency: np.ndarray, order: int) -> np.ndarray:
    """Sum pixels times x^a y^b exp(-2 pi i f.r), x and y counted in half image sizes.

    Parameters
    ----------
    pixels
        float32 (rows, columns), already weighted.
    frequency
        (n, 2) cycles per pixel.
    order
        Highest a and highest b.

    Returns
    -------
    numpy.ndarray
        complex (order + 1, order + 1, n), indexed [a, b, wave].
    """
    wave_y, wave_x = (wave.conj() for wave in _waves(pixels.shape, frequency))
    y, x = (centred(size)[:, None].astype(np.float32) for size in pixels.shape)
    stack = np.concatenate([wave_x * x**power for power in range(order + 1)], axis=1)
    along_y = np.stack([wave_y * y**power for power in range(order + 1)])
    rows = _real_times_complex(pixels, stack).reshape(len(y), order + 1, len(frequency))
    by_wave = along_y.transpose(2, 0, 1) @ rows.transpose(2, 0, 1)
    return by_wave.astype(complex).transpose(2, 1, 0)


def sum_waves(shape: tuple[int, int], waves: PlaneWaves) -> np.ndarray:
    """Image (float32) of the sum of the waves."""
    wave_y, wave_x = _waves(shape, waves.frequency)
    left = 2 * wave_y * waves.amplitude.astype(np.complex64)
    left_parts = np.concatenate([left.real, -left.imag], axis=1)
    right_parts = np.concatenate([wave_x.real, wave_x.imag], axis=1)
    return left_parts @ right_parts.T


def offset_spectrum(
    pixels: np.ndarray, frequency: np.ndarray, steps: np.ndarray, offset: np.ndarray
) -> np.ndarray:
    """Spectrum of weighted pixels on a rectangle of offsets around each frequency.

    Parameters
    ----------
    pixels
        float32 (rows, columns).
    frequency
        (n, 2) cycles per pixel.
    steps
        Step (x, y) between offsets in cycles per pixel.
    offset
        (m,) offsets in steps, taken along y and x.

    Returns
    -------
    numpy.ndarray
        complex64 (n, m, m), indexed [wave, offset y, offset x].
    """
    count, side = len(frequency), len(offset)
    near = []
    for size, middle, step in zip(pixels.shape, frequency.T[::-1], steps[::-1], strict=True):
        position = np.arange(size) - (size - 1) / 2
        shift = unit_wave(np.outer(position, -offset * step))
        near.append(unit_wave(np.outer(position, -middle))[:, :, None] * shift[:, None])
    rows = _real_times_complex(pixels, near[1].reshape(pixels.shape[1], -1))
    rows = rows.reshape(pixels.shape[0], count, side).transpose(1, 0, 2)
    return near[0].transpose(1, 2, 0) @ rows


def centred(size: int) -> np.ndarray:
    """Pixel positions from -1 to 1 across an axis, pixel borders at the ends."""
    return (np.arange(size) - (size - 1) / 2) / (size / 2)


def _waves(shape: tuple[int, int], frequency: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factors exp(2 pi i f r), complex64, along y (rows, n) and x (columns, n)."""
    along_y, along_x = (
        unit_wave(np.outer(np.arange(size) - (size - 1) / 2, values))
        for size, values in zip(shape, frequency.T[::-1], strict=True)
    )
    return along_y, along_x


def unit_wave(turns: np.ndarray) -> np.ndarray:
    """exp(2 pi i turns) in single precision, the whole turns taken off in double precision."""
    angle = (2 * np.pi * (turns - np.rint(turns))).astype(np.float32)
    wave = np.empty(turns.shape, np.complex64)
    np.cos(angle, out=wave.real)
    np.sin(angle, out=wave.imag)
    return wave


def _real_times_complex(real: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Matrix product in single precision, half the work of a complex one."""
    parts = real @ np.concatenate([factor.real, factor.imag], axis=1)
    product = np.empty((len(real), factor.shape[1]), np.complex64)
    product.real, product.imag = np.split(parts, 2, axis=1)
    return product
