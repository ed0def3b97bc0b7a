"""Spectra as a power law and ionisation edges: amounts of atoms by the likelihood of the counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Scoring converges as Newton's method does: from the fit of the mean spectrum, pixels of 1e6 to
# 1e9 electrons take 3 to 6 steps.
MOST_STEPS = 25
# Of a standard error: a last step below it changes nothing that is seen.
SETTLED = 1e-2
# Counts: expected values below it are noise of the fit, and would get boundless weights.
SMALLEST_MEAN = 1e-2
# Joined for the first guess of the power law by logarithms, so that no channel is empty.
SMOOTHED_CHANNELS = 8
# Bytes of the model of one block of pixels, so that it stays in the cache of a processor.
BLOCK = 8_000_000


@dataclass(frozen=True, eq=False)
class EdgeFit:
    """Amounts of elements in spectra.

    Attributes
    ----------
    amounts
        Factors of the edges, shape (pixels, edges).
    covariance
        Of the amounts, for counts of a Poisson process, shape (pixels, edges, edges).
    chi_square
        Of each spectrum, shape (pixels,).
    freedom
        Degrees of freedom of a spectrum.
    converged
        Whether the fit settled, shape (pixels,).
    """

    amounts: np.ndarray
    covariance: np.ndarray
    chi_square: np.ndarray
    freedom: int
    converged: np.ndarray


def fit_edges(counts: np.ndarray, energies: np.ndarray, edges: np.ndarray) -> EdgeFit:
    """Fit a power law and edges to spectra by the Poisson likelihood.

    Weights 1/N of the measured counts N would bias the amounts by percents: a channel that happens
    to be low counts more. Here the weights are those of the model, by Fisher's scoring, which
    maximises the likelihood and has no such bias.

    Parameters
    ----------
    counts
        Spectra, shape (pixels, channels).
    energies
        Energy loss of the channels in eV, above zero, shape (channels,).
    edges
        Shape of each edge, shape (edges, channels), or (pixels, edges, channels) where that differs
        from pixel to pixel, as after convolution with the low loss.

    Returns
    -------
    EdgeFit
        The amounts; not clipped.

    Raises
    ------
    ValueError
        If there are fewer channels than parameters, or an edge has no intensity in them.

    References
    ----------
    .. [1] R.F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, Springer
       (2011), section 4.5.
    .. [2] J. Verbeeck, S. Van Aert, Ultramicroscopy 101 (2004) 207.
    """
    counts, energies = np.asarray(counts, float), np.asarray(energies, float)
    edges = np.asarray(edges, float)
    number = edges.shape[-2] + 2
    if len(energies) <= number:
        raise ValueError(f"{len(energies)} channels cannot tell {number} parameters")
    if not (np.abs(edges).max(axis=-1) > 0).all():
        raise ValueError("an edge has no intensity within the channels")
    middle = float(np.sqrt(energies[0] * energies[-1]))
    logarithm = np.log(energies / middle)
    # Edges of equal height, so that all parameters are of the size of the counts.
    size = np.abs(edges).max(axis=-1).reshape(-1, number - 2).max(axis=0)
    edges = edges / size[:, None]
    first = edges if edges.ndim == 2 else edges.mean(axis=0)
    start = _fit_block(
        counts.mean(axis=0)[None], logarithm, first[None], _first_guess(counts, logarithm, first)
    )[0]
    total = counts.sum(axis=1) / max(counts.mean(axis=0).sum(), np.finfo(float).tiny)
    step = max(1, BLOCK // (8 * number * len(energies)))
    parts = []
    for low in range(0, len(counts), step):
        block = counts[low : low + step]
        shapes = edges[low : low + step] if edges.ndim == 3 else edges[None]
        guess = np.repeat(start, len(block), axis=0)
        guess[:, [0, *range(2, number)]] *= np.maximum(total[low : low + step], 1e-3)[:, None]
        parts.append(_fit_block(block, logarithm, shapes, guess))
    parameters, covariance, chi_square, converged = map(np.concatenate, zip(*parts, strict=True))
    return EdgeFit(
        parameters[:, 2:] / size,
        covariance[:, 2:, 2:] / (size[:, None] * size),
        chi_square,
        len(energies) - number,
        converged,
    )


def fit_power_law(counts: np.ndarray, logarithm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height and exponent of spectra without edges, shape (pixels, 2), and their covariance.

    Parameters
    ----------
    counts
        Shape (pixels, channels).
    logarithm
        Of the energies over that at which the height is told, shape (channels,).
    """
    none = np.zeros((0, len(logarithm)))
    start = _fit_block(
        counts.mean(axis=0)[None], logarithm, none[None], _first_guess(counts, logarithm, none)
    )[0]
    guess = np.repeat(start, len(counts), axis=0)
    guess[:, 0] *= np.maximum(counts.sum(axis=1) / max(counts.mean(axis=0).sum(), 1e-300), 1e-3)
    return _fit_block(counts, logarithm, none[None], guess)[:2]


def _first_guess(counts: np.ndarray, logarithm: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Guess the power law before the first edge, shape (1, 2 + edges), with edges of no height."""
    mean = counts.mean(axis=0)
    onset = int((np.abs(edges).max(axis=0, initial=0.0) > 0).argmax())
    stop = onset if onset >= 2 * SMOOTHED_CHANNELS else len(mean)
    kept = stop // SMOOTHED_CHANNELS * SMOOTHED_CHANNELS
    smooth = mean[:kept].reshape(-1, SMOOTHED_CHANNELS).mean(axis=1)
    position = logarithm[:kept].reshape(-1, SMOOTHED_CHANNELS).mean(axis=1)
    if len(smooth) < 2 or not (smooth > 0).all():
        return np.array([[max(mean.mean(), 1.0), 3.0, *[0.0] * len(edges)]])
    slope, height = np.polyfit(position, np.log(smooth), 1)
    return np.array([[np.exp(height), -slope, *[0.0] * len(edges)]])


def _model(
    logarithm: np.ndarray, edges: np.ndarray, parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give expected counts (pixels, channels), derivatives (pixels, parameters, channels)."""
    power = np.exp(-parameters[:, 1:2] * logarithm)
    derivatives = np.empty((len(parameters), parameters.shape[1], len(logarithm)))
    derivatives[:, 0] = power
    derivatives[:, 1] = -parameters[:, :1] * logarithm * power
    derivatives[:, 2:] = edges
    background = parameters[:, :1] * power
    return background + np.einsum("pk,pke->pe", parameters[:, 2:], derivatives[:, 2:]), derivatives


def _fit_block(
    counts: np.ndarray, logarithm: np.ndarray, edges: np.ndarray, parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Parameters, their covariance, chi-square and whether they settled, of each spectrum."""
    parameters = parameters.copy()
    covariance = np.full((len(counts), parameters.shape[1], parameters.shape[1]), np.nan)
    chi_square = np.full(len(counts), np.nan)
    converged = np.zeros(len(counts), bool)
    left = np.arange(len(counts))
    for _ in range(MOST_STEPS):
        shapes = edges[left] if len(edges) > 1 else edges
        mean, derivatives = _model(logarithm, shapes, parameters[left])
        mean = np.maximum(mean, SMALLEST_MEAN)
        residual = counts[left] - mean
        weighted = derivatives / mean[:, None]
        # Columns of equal length, or a weak edge beside a strong background could not be solved.
        information = weighted @ derivatives.transpose(0, 2, 1)
        length = np.sqrt(np.einsum("pii->pi", information))
        length = np.where(length > 0, length, 1.0)
        scaled = information / (length[:, :, None] * length[:, None])
        inverse = np.linalg.pinv(scaled, rcond=1e-12, hermitian=True)
        gradient = np.einsum("pke,pe->pk", weighted, residual) / length
        change = np.einsum("pij,pj->pi", inverse, gradient)
        errors = np.sqrt(np.maximum(np.einsum("pii->pi", inverse), 0.0))
        # The exponent is the only parameter that is not linear: one unit keeps a step in range.
        limit = np.minimum(1.0, length[:, 1] / np.maximum(np.abs(change[:, 1]), 1e-300))
        parameters[left] += limit[:, None] * change / length
        covariance[left] = inverse / (length[:, :, None] * length[:, None])
        chi_square[left] = (residual**2 / mean).sum(axis=1)
        settled = (np.abs(change) <= SETTLED * errors).all(axis=1)
        converged[left[settled]] = True
        left = left[~settled & np.isfinite(change).all(axis=1)]
        if not len(left):
            break
    return parameters, covariance, chi_square, converged
