"""Sums over the rings of a power spectrum, and the ellipse that astigmatism makes of them."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Grid, kernel

# Sectors of the half plane: narrow enough to follow the ellipse of tight rings, and to hold one
# patch of the power of a small crystallite.
SECTORS = 32
# Frequency in bins below which the shape of the region is seen.
FIRST_RING = 8
# Frequency in cycles per pixel above which the detector is seen.
HIGHEST = 0.42
# Variance of the logarithm of the exponential power of Gaussian noise: that of a Gumbel variable.
VARIANCE_OF_LOGARITHM = float(np.pi**2 / 6)
# Strongest astigmatism of the rings that is sought, as relative change of their radius.
STRONGEST_ELLIPSE = 0.12
# Number of rings in which it is sought first: the fewer, the coarser the ellipses that are tried.
FIRST_BAND = 48
# Factor by which more rings are taken in turn.
WIDENING = 1.5
# Number of ellipses that are followed.
FOLLOWED = 3
# Bins on both sides of the lines through zero frequency, where rows or columns of a scan that are
# brighter than others make a cross.
CROSS = 3
# Evidence, in standard errors, from which the rings are elliptical.
ELLIPTICAL = 4.0
# Products are kept within these bounds, far inside the range of double precision, to take one
# logarithm for many values.
LARGEST = 1e200
SMALLEST = 1e-200


def ring_geometry(grid: Grid) -> tuple[tuple[int, float, float], tuple[float, int, int]]:
    """Size and band for :func:`sum_rings`: from 8 periods up to 0.42 cycles per pixel."""
    extent_x, extent_y = map(float, grid.extent)
    step = 1 / min(extent_x, extent_y)
    last = int(HIGHEST / max(grid.scale) / step)
    return (grid.shape[0], extent_x, extent_y), (step, FIRST_RING, last)


def find_ellipse(power: np.ndarray, grid: Grid) -> tuple[float, float]:
    """Find the ellipse of the rings of a half-plane spectrum, as :func:`fit_ellipse` gives it.

    Zeros where the rings are circles, or there are none.
    """
    none = np.zeros((0, 3)), (0.0, 0.0)
    count, _, logarithm, _, _ = sum_rings(power, *ring_geometry(grid), *none)
    ellipse, evidence = fit_ellipse(count, logarithm / np.maximum(count, 1))
    return ellipse if evidence > ELLIPTICAL else (0.0, 0.0)


def fit_ellipse(count: np.ndarray, logarithm: np.ndarray) -> tuple[tuple[float, float], float]:
    """Find the astigmatism that makes the sectors most alike.

    Inner rings are wide and tell the ellipse roughly; the more rings are compared, the closer it
    is known and the closer the first guess has to be.

    Parameters
    ----------
    count
        Independent pixels of each ring and sector, shape (m, sectors).
    logarithm
        Their mean logarithm, shape (m, sectors).

    Returns
    -------
    ellipse : tuple of float
        Relative change (cosine, sine) of the radius with twice the azimuth, to first order: with
        (c, s) the rings are those of equal x^2 (1 - 2 c) + y^2 (1 + 2 c) - 4 s x y.
    evidence : float
        Fraction of the scatter of the sectors that it explains, in standard errors of that scatter,
        for the number of rings for which that is most; about 1 where there is no ellipse.
    """
    # What makes whole sectors brighter, as the streaks of scanning do, is no ellipse.
    rings = (count * logarithm).sum(axis=1) / np.maximum(count.sum(axis=1), 1e-9)
    brighter = (count * (logarithm - rings[:, None])).sum(axis=0)
    logarithm = logarithm - brighter / np.maximum(count.sum(axis=0), 1e-9)
    last = min(FIRST_BAND, len(count))
    step = 1 / (last + FIRST_RING)
    side = np.arange(-int(STRONGEST_ELLIPSE / step), int(STRONGEST_ELLIPSE / step) + 1) * step
    trials = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    around = np.stack(np.meshgrid([0, 1, -1], [0, 1, -1]), axis=-1).reshape(-1, 2)
    best, ellipse, clearest = 0.0, np.zeros(2), last
    while len(count):
        deviation = measure_deviations(count, logarithm, last, np.concatenate([[[0, 0]], trials]))
        still, deviation = deviation[0], deviation[1:]
        order = np.argsort(deviation)[:FOLLOWED]
        gain = 1 - deviation[order[0]] / max(still, np.finfo(float).tiny)
        evidence = float(gain * np.sqrt(0.5 * last * (count.shape[1] - 1)))
        if evidence >= best:
            best, ellipse, clearest = evidence, trials[order[0]], last
        if last == len(count):
            break
        last = min(int(WIDENING * last), len(count))
        step = 1 / (last + FIRST_RING)
        trials = np.unique((trials[order, None] + step * around).reshape(-1, 2), axis=0)
    for finer in (2, 4):
        trials = ellipse + around / (finer * (clearest + FIRST_RING))
        ellipse = trials[np.argmin(measure_deviations(count, logarithm, clearest, trials))]
    return (float(ellipse[0]), float(ellipse[1])), best


@kernel
def sum_rings(
    power: np.ndarray,
    size: tuple[int, float, float],
    band: tuple[float, int, int],
    peaks: np.ndarray,
    ellipse: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sum a half-plane spectrum over elliptical rings.

    Parameters
    ----------
    power : numpy.ndarray
        Half-plane power, shape (rows, columns // 2 + 1).
    size : tuple
        Rows of the image and its extent (x, y).
    band : tuple
        Width of a ring in frequency, number of the first ring and of the one after the last.
    peaks : numpy.ndarray
        Peaks (x, y) that are left out of the noise, and the bins around them, shape (n, 3).
    ellipse : tuple of float
        As of :func:`fit_ellipse`.

    Returns
    -------
    count, total, logarithm : numpy.ndarray
        Pixels, power and logarithm of the power between the peaks, shape (m, 32).
    squares : numpy.ndarray
        Squared power, with the peaks, shape (m,).
    ring : numpy.ndarray
        Pixels, radii in rings and power, with the peaks, shape (m, 3).
    """
    rows, extent_x, extent_y = size
    step, first, last = band
    number = max(last - first, 0)
    count = np.zeros((number, SECTORS))
    total = np.zeros((number, SECTORS))
    product = np.ones((number, SECTORS))
    logarithm = np.zeros((number, SECTORS))
    squares = np.zeros(number)
    ring = np.zeros((number, 3))
    clear = _clear_of_peaks(power.shape, rows, peaks * np.array([extent_x, extent_y, 1.0]))
    innermost, outermost = float(first * first), float(last * last)
    along_x, along_y, across = 1 - 2 * ellipse[0], 1 + 2 * ellipse[0], 4 * ellipse[1]
    half = SECTORS // 2
    tangents = np.tan(np.pi / SECTORS * np.arange(half))
    for i in range(rows):
        y = (i if i <= rows // 2 else i - rows) / extent_y / step
        slope, sector = abs(y), half - 1
        for j in range(power.shape[1]):
            x = j / extent_x / step
            squared = x * x * along_x + y * (y * along_y - x * across)
            if squared < innermost or squared >= outermost:
                continue
            radius = np.sqrt(squared)
            k = min(int(radius), last - 1) - first
            value = float(power[i, j])
            ring[k, 0] += 1
            ring[k, 1] += radius
            ring[k, 2] += value
            squares[k] += value * value
            if clear[i, j] and value > 0:
                while sector > 0 and slope < tangents[sector] * x:
                    sector -= 1
                part = sector if y >= 0 else SECTORS - 1 - sector
                count[k, part] += 1
                total[k, part] += value
                value *= product[k, part]
                if value > LARGEST or value < SMALLEST:
                    logarithm[k, part] += np.log(value)
                    value = 1.0
                product[k, part] = value
    return count, total, logarithm + np.log(product), squares, ring


@kernel
def _clear_of_peaks(shape: tuple[int, int], rows: int, peaks: np.ndarray) -> np.ndarray:
    """Pixels clear of the cross and of peaks with their (column, row, reach), shape (n, 3)."""
    clear = np.ones(shape, np.bool_)
    clear[:, : CROSS + 1] = False
    clear[: CROSS + 1] = False
    clear[rows - CROSS :] = False
    for s in range(len(peaks)):
        for sign in (1, -1):
            row, column, reach = sign * peaks[s, 1], sign * peaks[s, 0], peaks[s, 2]
            for i in range(int(row - reach) - 1, int(row + reach) + 2):
                for j in range(max(0, int(column - reach)), int(column + reach) + 2):
                    near = (i - row) ** 2 + (j - column) ** 2 < reach**2
                    if near and j < shape[1]:
                        clear[i % rows, j] = False
    return clear


@kernel
def measure_deviations(
    count: np.ndarray, logarithm: np.ndarray, last: int, ellipses: np.ndarray
) -> np.ndarray:
    """Mean squared deviation of the sectors from the mean of their rings, per free one.

    Parameters
    ----------
    count, logarithm : numpy.ndarray
        As of :func:`fit_ellipse`.
    last : int
        Number of rings that are compared.
    ellipses : numpy.ndarray
        Relative changes (cosine, sine) of the radius, shape (n, 2).

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    sectors = count.shape[1]
    middle = np.pi * (np.arange(sectors) + 0.5) / sectors
    result = np.zeros(len(ellipses))
    for n in range(len(ellipses)):
        turning = ellipses[n, 0] * np.cos(2 * middle) + ellipses[n, 1] * np.sin(2 * middle)
        bend = 1 / np.sqrt(1 - 2 * turning)
        deviation, compared = 0.0, 0
        for k in range(last):
            pixels, mean, squared, seen = 0.0, 0.0, 0.0, 0
            for s in range(sectors):
                ring = int((k + FIRST_RING + 0.5) * bend[s]) - FIRST_RING
                if ring < 0 or ring >= len(count) or count[ring, s] == 0:
                    continue
                weighted = count[ring, s] * logarithm[ring, s]
                pixels += count[ring, s]
                mean += weighted
                squared += weighted * logarithm[ring, s]
                seen += 1
            if seen > 1:
                deviation += squared - mean * mean / pixels
                compared += seen - 1
        result[n] = deviation / max(compared, 1)
    return result
