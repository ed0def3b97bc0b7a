"""Images that were filtered before they came: what their spectrum lacks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.fft

from hyperspy_twin.core import StrainField

# Frequencies in cycles per pixel at which noise is looked for: beyond nearly all reflections, and
# within the circle that the sampling allows.
HIGH_FREQUENCIES = (0.3, 0.48)
# Below this, in cycles per pixel, a spectrum shows brightness and thickness.
LOWEST_FREQUENCY = 0.03
# Median power at high frequencies over the mean power: filtered files have 3e-11 and 3e-5,
# fourteen unfiltered ones 5e-4 to .6; the limit lies in the middle
# of the gap on a logarithmic scale.
SMALLEST_NOISE = 1.3e-4
FILTERED = (
    "the image has no measurable noise: its power between {:.2g} and {:.2g} cycles per pixel is "
    "{:.1g} of the mean, as in an image that was filtered, smoothed or interpolated before, or "
    "computed without noise. Standard errors are not known: start from the raw image"
)


def describe_holes(transform: np.ndarray) -> str | None:
    """Say why the noise of an image cannot be measured; None where it can.

    Parameters
    ----------
    transform
        Spectrum of the image, zero frequency at index ``size // 2``, shape (rows, columns).

    Returns
    -------
    str or None
        The reason, for the reader.
    """
    level = noise_level(transform)
    return None if level > SMALLEST_NOISE else FILTERED.format(*HIGH_FREQUENCIES, level)


def without_errors(field: StrainField) -> StrainField:
    """Strain whose standard errors are not known."""
    unknown = np.full_like(field.sigma_xx, np.nan)
    return replace(
        field,
        sigma_xx=unknown,
        sigma_yy=unknown,
        sigma_xy=unknown,
        sigma_rotation=unknown,
    )


def noise_level(transform: np.ndarray) -> float:
    """Median power at high frequencies over the mean power of a spectrum.

    It is taken twice, as the image is, which shows the holes of a filter that worked on the whole
    image, and with a window, because the jumps between opposite edges of a part that was cut out
    fill them. The smaller of the two counts. An image without contrast gives 0.

    Parameters
    ----------
    transform
        Spectrum of the image, zero frequency at index ``size // 2``, shape (rows, columns).
    """
    along = [scipy.fft.fftshift(scipy.fft.fftfreq(size)) for size in transform.shape]
    # The other half plane has the same power.
    half = slice(transform.shape[1] // 2 - 1, None)
    frequency = np.hypot(along[0][:, None], along[1][None, half])
    high = (frequency > HIGH_FREQUENCIES[0]) & (frequency < HIGH_FREQUENCIES[1])
    counted = (frequency > LOWEST_FREQUENCY) & (frequency < HIGH_FREQUENCIES[1])
    both = transform[:, half], _with_window(transform[:, half])
    return min(_level(values, high, counted) for values in both)


def _level(values: np.ndarray, high: np.ndarray, counted: np.ndarray) -> float:
    """Median power at high frequencies over the mean of what counts."""
    power = values.real**2 + values.imag**2
    mean = float(np.sum(power, where=counted, dtype=float)) / np.count_nonzero(counted)
    return float(np.median(power[high])) / mean if mean > 0.0 else 0.0


def _with_window(transform: np.ndarray) -> np.ndarray:
    """Spectrum of the image times a squared sine along x and y, up to a factor."""
    found = transform
    for axis in (0, 1):
        # That of a squared sine has three coefficients.
        found = 2.0 * found - np.roll(found, 1, axis) - np.roll(found, -1, axis)
    return found
