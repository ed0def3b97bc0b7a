"""Single pixels that no probe could have made: too sharp for their neighbours, beyond the noise."""

from __future__ import annotations

import numpy as np

# Height of the narrowest spot above the second smallest of its neighbours, over that of the second
# largest: at most 4.43 for a Gaussian spot of 1.5 pixels full width at half maximum, wherever its
# centre lies within the pixel, and 3.0 for one of 2 pixels.
SHARPEST = 4.6
# What the pixel must stand out further, in standard deviations of its noise. In flat white noise
# the excess has a mean of -7.1 and a standard deviation of 2.6 (order statistics of eight values):
# 10 is more than 6 standard deviations from there, less than one false alarm in 1e9 pixels.
SIGNIFICANCE = 10.0
# The noise is taken to be no less than this fraction of that of all classes together: without
# noise, the tails of distant spots are not judged.
LEAST_NOISE = 0.03
# The same where electrons are counted one by one, in steps of the values: a spot of so many counts
# whose neighbours all but two hold none happens once in 1e8 spots of the least favourable height.
COUNTS = 30.0
# Classes of brightness in which the noise is measured.
CLASSES = 16
# Pixels that are enough for it.
SAMPLE = 60_000
# Fraction of the differences in a class that is left out as outliers. So many bad pixels do no
# harm: each spoils four differences, of which one is measured.
LEFT_OUT = 0.02
# The variance that normal noise keeps without the largest 2 % of its squares: 1 - 2 z phi(z) - 0.02
# with z = 2.326.
KEPT_VARIANCE = 0.856
# Standard deviations of normal noise that 2 % of its values exceed, both sides together. Clipped
# noise has a longer tail for its variance, and is judged by this quantile.
QUANTILE = 2.326
# Rows that are sorted together, so that the nine arrays stay in the cache.
BLOCK = 32
# Values among which the smallest step is sought.
STEPS_SAMPLE = 20_000
# Batcher's network sorts eight values in 19 exchanges (Knuth, The Art of Computer Programming 3,
# section 5.3.4).
NETWORK = (
    (0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (1, 2), (5, 6),
    (0, 4), (1, 5), (2, 6), (3, 7), (2, 4), (3, 5), (1, 2), (3, 4), (5, 6),
)  # fmt: skip


def find_outliers(image: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Mark pixels that differ from their neighbours as no probe and no noise can.

    A spot as wide as a probe raises at least two of the eight neighbours of its pixel by a fixed
    fraction of its height. The pixel is compared with the second largest of them, above the second
    smallest (the other way round for a dark one), so that pairs of bad pixels are found as well.

    Parameters
    ----------
    image
        Finite values, float32, shape (rows, columns).
    known
        Pixels that are bad otherwise and are not judged, boolean.

    Returns
    -------
    numpy.ndarray
        Boolean, shape (rows, columns).
    """
    found = np.zeros(image.shape, bool)
    if min(image.shape) < 3:
        return found
    low, middle, high = _order_of_neighbours(image)
    noise = _measure_noise(image, middle, known)
    step = _smallest_step(image)
    excess, part = np.empty_like(image), np.empty_like(image)
    for sign, second, base in ((1, high, low), (-1, low, high)):
        # The excess over the sharpest spot that fits the neighbours.
        np.subtract(image, base, out=excess)
        np.subtract(second, base, out=part)
        part *= np.float32(SHARPEST)
        excess -= part
        excess *= np.float32(sign)
        candidate = np.flatnonzero(excess > SIGNIFICANCE * noise.smallest)
        # The brightest that the pixel may be by its neighbours tells how much it may scatter.
        level, near = middle.ravel()[candidate], second.ravel()[candidate]
        if sign > 0:
            level = np.maximum(level, level + SHARPEST * (near - base.ravel()[candidate]))
        limit = np.maximum(SIGNIFICANCE * noise.at(level), COUNTS * step)
        found.ravel()[candidate[excess.ravel()[candidate] > limit]] = True
    if known is not None:
        found &= ~known
    return found


def _order_of_neighbours(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Second smallest, median and second largest of the eight neighbours of each pixel."""
    rows, columns = image.shape
    # Beyond the border are the pixels of the border itself, so that a spot that it cuts keeps its
    # width along it. One of the eight is then the pixel that is judged, which two leave out.
    padded = np.pad(image, 1, mode="symmetric")
    low, middle, high = (np.empty(image.shape, np.float32) for _ in range(3))
    spare = np.empty((min(BLOCK, rows), columns), np.float32)
    for start in range(0, rows, BLOCK):
        stop = min(start + BLOCK, rows)
        near = [
            padded[start + y : stop + y, x : x + columns].copy()
            for y in range(3)
            for x in range(3)
            if (y, x) != (1, 1)
        ]
        smaller = spare[: stop - start]
        for one, other in NETWORK:
            np.minimum(near[one], near[other], out=smaller)
            np.maximum(near[one], near[other], out=near[other])
            near[one], smaller = smaller, near[one]
        low[start:stop], high[start:stop] = near[1], near[6]
        np.add(near[3], near[4], out=middle[start:stop])
        spare = smaller if smaller.base is None else np.empty_like(spare)
    middle *= np.float32(0.5)
    for row, inner_row in ((0, 1), (rows - 1, rows - 2)):
        for column, inner in ((0, 1), (columns - 1, columns - 2)):
            three = np.sort(image[[row, inner_row, inner_row], [inner, column, inner]])
            low[row, column], middle[row, column], high[row, column] = three
    return low, middle, high


class _Noise:
    """Standard deviation of the noise as a function of brightness."""

    def __init__(self, centre: np.ndarray, variance: np.ndarray) -> None:
        self._centre = centre
        # Noise of counting grows with brightness; a valley between two classes is chance.
        self._variance = np.maximum.accumulate(variance)
        self._rate = float(
            np.max(variance / np.maximum(centre - centre[0] + np.sqrt(variance), 1e-30))
        )
        self._least = LEAST_NOISE**2 * float(variance.mean())
        self.smallest = float(np.sqrt(self._variance[0] + self._least))

    def at(self, level: np.ndarray) -> np.ndarray:
        """Tell the noise at some brightness; beyond the classes it rises as that of counts."""
        beyond = np.maximum(level - self._centre[-1], 0)
        inside = np.interp(level, self._centre, self._variance)
        return np.sqrt(inside + self._rate * beyond + self._least)


def _measure_noise(image: np.ndarray, background: np.ndarray, known: np.ndarray | None) -> _Noise:
    """Noise by the differences of horizontal neighbours, in classes of the background.

    Structure between neighbours adds to it, which makes the judgement of outliers more careful
    where the image has fine structure.
    """
    rows = slice(None, None, max(image.size // SAMPLE, 1))
    if len(image[rows]) * image.shape[1] < SAMPLE // 4:  # long rows
        rows = slice(None)
    difference = (image[rows, 1:] - image[rows, :-1]).ravel()
    level = background[rows, 1:].ravel()
    if known is not None:
        both = ~(known[rows, 1:] | known[rows, :-1]).ravel()
        if both.any():
            difference, level = difference[both], level[both]
    groups = np.array_split(np.argsort(level), min(CLASSES, level.size))
    centre, variance = [], []
    for group in groups:
        squares = np.sort(np.square(difference[group], dtype=float))
        kept = squares[: max(int(np.ceil((1 - LEFT_OUT) * squares.size)), 1)]
        centre.append(float(level[group[group.size // 2]]))
        spread = max(kept.sum() / squares.size / KEPT_VARIANCE, kept[-1] / QUANTILE**2)
        variance.append(float(spread / 2))
    return _Noise(np.array(centre), np.array(variance))


def _smallest_step(image: np.ndarray) -> float:
    """Smallest difference between values that the image holds: one count where it counts."""
    flat = image.ravel()
    values = np.unique(flat[:: max(flat.size // STEPS_SAMPLE, 1)])
    return float(np.diff(values).min()) if values.size > 1 else 0.0
