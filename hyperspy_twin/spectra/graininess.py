"""How patchy the power of the rings of a spectrum is: the mark of many crystallites."""

from __future__ import annotations

import numpy as np

# Rings that are judged together: n adjacent crystallites have peaks about sqrt(n) bins wide.
PATCH = 16
# Independent pixels from which the logarithm of a mean is nearly normal.
FEWEST_PIXELS = 4.0
# Sectors with so many from which a scatter can be told.
FEWEST_SECTORS = 16
# Brightest sectors that are left out: what one peak or one streak brightens is no powder.
LEFT_OUT = 2
# Orders of a smooth change with the azimuth that is no graininess: 2 turns of the half plane are
# what astigmatism makes to second order.
SMOOTH_ORDERS = 2


def measure_graininess(count: np.ndarray, total: np.ndarray) -> float:
    """Measure how much the sectors of rings scatter more than those of Gaussian noise.

    Noise of any spectrum, seen through any lens, has exponential power that is independent from
    one resolution cell to the next. Each crystallite instead brightens a patch as wide as the
    reciprocal of its size, so that means over sectors differ by more than their number of cells
    allows.

    Parameters
    ----------
    count
        Independent pixels of each ring and sector of the half plane, shape (m, sectors); sectors
        that are mirrored at the x axis are as far from the first as from the last.
    total
        Their power, in units of one for each independent pixel, shape (m, sectors).

    Returns
    -------
    float
        Excess of the scatter of the sectors in standard errors of it, where it is most among
        groups of neighbouring rings; about 0.4 for noise, and 0 where there is too little to tell.
    """
    number = count.sum(axis=1)
    mean = total.sum(axis=1) / np.where(number > 0, number, 1)
    relative = total / np.where(mean > 0, mean, 1)[:, None]
    width = min(PATCH, len(count))
    pixels, power = (_over_rings(values, width) for values in (count, relative))
    judged = (pixels > FEWEST_PIXELS) & (power > 0)
    enough = judged.sum(axis=1) >= FEWEST_SECTORS
    if not enough.any():
        return 0.0
    pixels, power, judged = pixels[enough], power[enough], judged[enough]
    safe = np.where(judged, pixels, 1)
    # The logarithm of the mean of few independent values is lower than that of the expectation.
    logarithm = np.log(np.where(judged, power, 1) / safe) + 1 / (2 * safe)
    weight = np.where(judged, pixels, 0)
    residual = _without_smooth(logarithm, weight) * np.sqrt(weight)
    brightest = np.argsort(np.where(judged, residual, -np.inf), axis=1)[:, -LEFT_OUT:]
    np.put_along_axis(weight, brightest, 0, axis=1)
    residual = _without_smooth(logarithm, weight) * np.sqrt(weight)
    scatter = (residual**2).sum(axis=1)
    # Rows of a scan that are displaced change the power alike where it is mirrored at their axis.
    scatter -= np.maximum((residual * residual[:, ::-1]).sum(axis=1), 0)
    free = (weight > 0).sum(axis=1) - 1 - 2 * SMOOTH_ORDERS
    return float(((scatter - free) / np.sqrt(2 * free)).max())


def _over_rings(values: np.ndarray, width: int) -> np.ndarray:
    """Sum over all groups of neighbouring rings, shape (m - width + 1, sectors)."""
    below = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return below[width:] - below[:-width]


def _without_smooth(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Subtract the least-squares fit of the lowest orders of the azimuth from each row."""
    sectors = values.shape[1]
    turn = 2 * np.pi * (np.arange(sectors) + 0.5) / sectors
    orders = range(1, SMOOTH_ORDERS + 1)
    smooth = np.stack([np.ones(sectors), *(f(n * turn) for n in orders for f in (np.cos, np.sin))])
    normal = np.einsum("as,ns,bs->nab", smooth, weight, smooth, optimize=True)
    right = (weight * values) @ smooth.T
    return values - np.linalg.solve(normal, right[:, :, None])[:, :, 0] @ smooth
