"""Where an intensity lies between those of two references."""

from __future__ import annotations

import numpy as np

# Standard errors by which the means of the references have to differ. With 20, the error of the
# scale between them is below 5 % of every fraction.
LOWEST_CONTRAST = 20.0


def fractions_between(
    image: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Place of each pixel between two references, 0 at the first and 1 at the last; its variance.

    Parameters
    ----------
    image
        Intensities, shape (rows, columns).
    first, last
        Intensities of the pixels of the references, each of shape (n,).

    Returns
    -------
    place, variance : numpy.ndarray
        The noise of a pixel is taken as that of the references, linear between them in the
        variance, as counts have it; that of the means is added.

    Raises
    ------
    ValueError
        If the references do not differ by twenty standard errors of their means.
    """
    means = np.array([first.mean(), last.mean()])
    noise = np.array([first.var(), last.var()])
    of_means = noise / [first.size, last.size]
    step = means[1] - means[0]
    if not abs(step) > LOWEST_CONTRAST * np.sqrt(of_means.sum()):
        raise ValueError(
            f"the intensities of the references ({means[0]:.4g} and {means[1]:.4g}) do not differ "
            "by twenty standard errors: choose regions of different composition"
        )
    place = (image - means[0]) / step
    inside = np.clip(place, 0.0, 1.0)
    pixel = noise[0] + (noise[1] - noise[0]) * inside
    variance = pixel + (1 - place) ** 2 * of_means[0] + place**2 * of_means[1]
    return place, variance / step**2
