"""Detection of Bragg spots at a constant false-alarm rate, and their sub-pixel positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.spectra.background import local_background, radial_background
from hyperspy_twin.spectra.transform import WindowedRegion

FEWEST_PERIODS = 6
SHORTEST_PERIOD = 2.5  # pixels; detector and scan artefacts crowd the edge of the spectrum
WEAKEST_SPOT = 1e-7  # of the strongest power: the rounding error of single precision
LEAKAGE_MARGIN = 4.0
LEAKAGE_REACH, LEAKAGE_SAMPLES = 60, 128  # bins around a spot; samples across the window
MERGING_DISTANCE = 2.5
NEWTON_STEPS = 2


@dataclass(frozen=True)
class Spots:
    """Bragg spots of one spectrum, one of each Friedel pair, strongest first.

    Attributes
    ----------
    position
        (n, 2) reciprocal vectors (x, y) in 1/nm.
    error
        (n, 2) standard errors of ``position``.
    intensity
        (n,) squared amplitude of the lattice fringe, in squared image units.
    snr
        (n,) spot power over expected noise power.
    probability
        (n,) probability that noise alone would not have made any such spot.
    """

    position: np.ndarray
    error: np.ndarray
    intensity: np.ndarray
    snr: np.ndarray
    probability: np.ndarray

    def __len__(self) -> int:
        return len(self.snr)


def detect(region: WindowedRegion, false_alarms: float, shortest_spacing: float = 0.0) -> Spots:
    """Find the Bragg spots of a windowed region.

    Noise power is exponentially distributed about its expectation, so that a threshold of
    ln(n / false_alarms) times the expectation lets ``false_alarms`` of n frequencies pass [1]_.

    Parameters
    ----------
    region
        The windowed region with its spectrum.
    false_alarms
        Expected number of false spots in a spectrum of pure noise.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.

    Returns
    -------
    Spots
        Sorted by falling intensity; empty where no spot passes.

    References
    ----------
    .. [1] S. M. Kay, Fundamentals of Statistical Signal Processing II, Prentice Hall (1998).
    """
    height, width = region.grid.shape
    power = region.power
    radial = radial_background(power, region.grid)
    threshold = np.log(power.size / false_alarms)
    rows, columns = _candidates(power, radial, region, 0.5 * threshold, shortest_spacing)
    background = np.maximum(
        radial[rows, columns],
        local_background(power, rows, columns, height, width),
    )
    strong = power[rows, columns] > threshold * background
    rows, columns, background = rows[strong], columns[strong], background[strong]
    kept = _without_side_lobes(power, region, rows, columns)
    rows, columns, background = rows[kept], columns[kept], background[kept]
    return _refined(region, rows, columns, background, power.size)


def _candidates(
    power: np.ndarray,
    radial: np.ndarray,
    region: WindowedRegion,
    threshold: float,
    shortest_spacing: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Local maxima above ``threshold`` times the radial background, in the band of lattices."""
    height, width = region.grid.shape
    scale_x, scale_y = region.grid.scale
    peak = power > threshold * radial
    peak &= ndimage.maximum_filter(power, 3, mode="wrap") == power
    along_y, along_x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    peak &= np.hypot(along_y * height, along_x * width) >= FEWEST_PERIODS
    peak &= (np.abs(along_y) < 1 / SHORTEST_PERIOD) & (along_x < 1 / SHORTEST_PERIOD)
    peak &= np.hypot(along_y / scale_y, along_x / scale_x) * shortest_spacing <= 1
    # The column of zero frequency holds both members of each pair.
    peak[height // 2 + 1 :, 0] = False
    peak &= power > WEAKEST_SPOT * power[peak].max(initial=0.0)
    rows, columns = np.nonzero(peak)
    return rows, columns


def _without_side_lobes(
    power: np.ndarray, region: WindowedRegion, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Keep the maxima that no stronger one explains; indices, strongest first.

    A maximum is explained when it lies within the resolution of a stronger one, or below the
    level that the window's own transform leaks there.
    """
    height, width = region.grid.shape
    leakage = _leakage(region.window)
    row = np.where(rows > height // 2, rows - height, rows)
    frequency = np.stack([row, columns], axis=1)
    strength = power[rows, columns]
    kept: list[int] = []
    for index in np.argsort(strength)[::-1]:
        others = np.asarray(kept, dtype=int)
        both = np.concatenate([frequency[others], -frequency[others]])
        shift = np.abs(_wrapped(frequency[index] - both, (height, width)))
        level = np.zeros(len(both))
        near = np.all(shift <= LEAKAGE_REACH, axis=1)
        level[near] = leakage[2 * shift[near, 0], 2 * shift[near, 1]]
        leaked = level * np.tile(strength[others], 2)
        if not len(both) or (
            np.hypot(*shift.T).min() >= MERGING_DISTANCE and leaked.max() <= strength[index]
        ):
            kept.append(int(index))
    return np.asarray(kept, dtype=int)


def _wrapped(shift: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Shortest equivalents of shifts (row, column) on a periodic spectrum."""
    size = np.asarray(shape)
    return (shift + size // 2) % size - size // 2


def _leakage(window: np.ndarray) -> np.ndarray:
    """Power that a spot leaks by offset (row, column) in half bins, relative to its own.

    With a safety margin, and the largest value within one bin, since spots lie between bins and
    the lobes of a window vanish on them.
    """
    step = max(1, min(window.shape) // LEAKAGE_SAMPLES)
    coarse = window[::step, ::step]
    offset = 0.5 * np.arange(-2, 2 * LEAKAGE_REACH + 3)
    waves = [
        np.exp(-2j * np.pi * offset[:, None] * np.arange(0, size, step)[None, :] / size)
        for size in window.shape
    ]
    amplitude = [waves[0] @ coarse @ waves[1].T, waves[0] @ coarse @ waves[1].conj().T]
    power = np.max(np.abs(amplitude) ** 2, axis=0)
    highest = ndimage.maximum_filter(power, 5, mode="nearest")[2:-2, 2:-2]
    return LEAKAGE_MARGIN * highest / power[2, 2]


def _refined(
    region: WindowedRegion,
    rows: np.ndarray,
    columns: np.ndarray,
    background: np.ndarray,
    frequencies: int,
) -> Spots:
    """Climb to the maximum of the continuous spectrum and attach errors."""
    grid = region.grid
    vertical = np.fft.fftfreq(grid.shape[0])[rows]
    horizontal = np.fft.rfftfreq(grid.shape[1])[columns]
    position = np.stack([horizontal, vertical], axis=1)
    origin = _centre_of(region.window)
    peak_power = np.zeros(len(position))
    for _ in range(NEWTON_STEPS):
        peak_power, gradient, hessian = _power_derivatives(region.pixels, position, origin)
        bin_size = 1 / np.asarray(grid.shape[::-1])
        position = position + _newton_step(peak_power, gradient, hessian, bin_size)
    covariance = _unit_covariance(region.window, origin)
    snr = peak_power / background
    error = np.sqrt(np.diag(covariance)[None, :] / (2 * snr[:, None]))
    intensity = 4 * peak_power / float(region.window.sum(dtype=float)) ** 2
    false = -np.expm1(frequencies * np.log1p(-np.exp(-np.minimum(snr, 700.0))))
    order = np.argsort(intensity)[::-1]
    scale = np.asarray(grid.scale)
    position = np.where(position[:, :1] < 0, -position, position) / scale
    return Spots(
        position[order], (error / scale)[order], intensity[order], snr[order], (1 - false)[order]
    )


def _centre_of(window: np.ndarray) -> tuple[float, float]:
    """Centroid (x, y) of a window in pixels."""
    total = window.sum(dtype=float)
    x = np.arange(window.shape[1]) @ window.sum(axis=0, dtype=float) / total
    y = np.arange(window.shape[0]) @ window.sum(axis=1, dtype=float) / total
    return float(x), float(y)


def _power_derivatives(
    pixels: np.ndarray, position: np.ndarray, origin: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power, gradient and Hessian of the continuous spectrum at (n, 2) cycles per pixel."""
    x = np.arange(pixels.shape[1]) - origin[0]
    y = np.arange(pixels.shape[0]) - origin[1]
    wave_x = np.exp(-2j * np.pi * x[:, None] * position[None, :, 0])
    wave_y = np.exp(-2j * np.pi * y[:, None] * position[None, :, 1])
    moment_x, moment_y = -2j * np.pi * x[:, None], -2j * np.pi * y[:, None]
    stack = np.concatenate([wave_x, moment_x * wave_x, moment_x**2 * wave_x], axis=1)
    columns = pixels @ stack.astype(np.complex64)
    zero, first, second = np.split(columns.astype(complex), 3, axis=1)
    value = (wave_y * zero).sum(axis=0)
    d_x, d_xx = (wave_y * first).sum(axis=0), (wave_y * second).sum(axis=0)
    d_y, d_yy = (moment_y * wave_y * zero).sum(axis=0), (moment_y**2 * wave_y * zero).sum(axis=0)
    d_xy = (moment_y * wave_y * first).sum(axis=0)
    conjugate = value.conj()
    gradient = 2 * np.stack([(conjugate * d_x).real, (conjugate * d_y).real], axis=1)
    cross = 2 * (d_x.conj() * d_y + conjugate * d_xy).real
    hessian = np.empty((len(position), 2, 2))
    hessian[:, 0, 0] = 2 * (np.abs(d_x) ** 2 + (conjugate * d_xx).real)
    hessian[:, 1, 1] = 2 * (np.abs(d_y) ** 2 + (conjugate * d_yy).real)
    hessian[:, 0, 1] = hessian[:, 1, 0] = cross
    return np.abs(value) ** 2, gradient, hessian


def _newton_step(
    power: np.ndarray, gradient: np.ndarray, hessian: np.ndarray, bin_size: np.ndarray
) -> np.ndarray:
    """Newton step of the logarithm, which is nearly a parabola, towards its maximum.

    At most one frequency bin; zero where there is no maximum.
    """
    slope = gradient / power[:, None]
    curvature = hessian / power[:, None, None] - slope[:, :, None] * slope[:, None, :]
    trace = curvature[:, 0, 0] + curvature[:, 1, 1]
    determinant = curvature[:, 0, 0] * curvature[:, 1, 1] - curvature[:, 0, 1] ** 2
    concave = (determinant > 0) & (trace < 0)
    step = np.zeros_like(gradient)
    step[concave] = -np.linalg.solve(curvature[concave], slope[concave][..., None])[..., 0]
    return np.clip(step, -bin_size, bin_size)


def _unit_covariance(window: np.ndarray, origin: tuple[float, float]) -> np.ndarray:
    """Covariance (2, 2) of a spot position in squared cycles per pixel, times twice the SNR.

    The maximum moves by the noise's gradient over the signal's curvature; with weights w and
    moments M1 = <x x>_w, M2 = <x x>_w^2, the covariance is M1^-1 M2 M1^-1 / (8 pi^2 SNR).
    """
    first = _second_moments(window, origin)
    second = _second_moments(window**2, origin)
    inverse = np.linalg.inv(first)
    return inverse @ second @ inverse / (2 * np.pi) ** 2


def _second_moments(weights: np.ndarray, origin: tuple[float, float]) -> np.ndarray:
    x = np.arange(weights.shape[1]) - origin[0]
    y = np.arange(weights.shape[0]) - origin[1]
    along_x, along_y = weights.sum(axis=0, dtype=float), weights.sum(axis=1, dtype=float)
    total = along_x.sum()
    cross = float(y @ (weights.astype(float) @ x))
    return np.array([[along_x @ x**2, cross], [cross, along_y @ y**2]]) / total
