"""Noise of the phases of an image's lattice waves: that of all pixels, and that of scan lines.

The error of a phase is the quadrature of the noise, Im(n exp(-i phi)) / A. Those of two waves
are correlated where the noise follows the lattice: counting noise through the Fourier
coefficients of the image at g + h and g - h, random alloys through the sites that change
together. All are measured at once, from the spectra of the quadratures on a ring around the
reflections.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft

from hyperspy_twin.strain.gaussian_windows import PATCH
from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise.ring import (
    are_ordinary,
    find_ring,
    mean_product,
    node_area,
    padded_lengths,
    ring_frequencies,
)
from hyperspy_twin.strain.noise.scan_lines import fit_jitter, line_covariance, measure_columns
from hyperspy_twin.strain.pieces import smooth_rows

# A mean of fewer is too uncertain: the standard error of one of 16 is a quarter.
MINIMUM_COEFFICIENTS = 16
# Squared frequency along its direction that the slope of a Gaussian average sees, over that of the
# average of both directions: <k^4> / <k^2>^2 of a normal distribution is 3, in a plane 1.5.
STEEPNESS = 1.5
# A lattice wave counts where its amplitude exceeds its noise by this factor: noise alone
# passes once in exp(9) = 8000 independent windows.
MINIMUM_AMPLITUDE_TO_NOISE = 3.0
# Standard errors of the mean power by which tails of other reflections raise it above the median.
CLEAR_EXCESS = 2.0
# Part of the largest distance to the outline by which a piece is shrunk before it is smoothed to a
# window for the noise: the widest rim, for the shortest tails of the reflections, that leaves a
# middle; set by judgement.
NOISE_EROSION = 0.75


@dataclass(frozen=True)
class Noise:
    """Noise of the lattice waves of one piece.

    Attributes
    ----------
    covariance
        Covariance of the quadratures of the waves, in squared amplitude per pixel, shape
        (k, k). Divided by the amplitudes of two waves it is that of their phases. White noise of
        variance v has v / 2 on the diagonal.
    lines
        Covariance of the phase errors that each scan line (row) gives to the waves, squared
        radians, shape (k, k).
    """

    covariance: np.ndarray
    lines: np.ndarray

    @property
    def white(self) -> np.ndarray:
        """Noise power per pixel near each reflection, shape (k,): the variance of white noise."""
        return 2.0 * np.diag(self.covariance)

    def take(self, kept: np.ndarray) -> Noise:
        """Noise of some of the waves."""
        both = np.ix_(kept, kept)
        return Noise(self.covariance[both], self.lines[both])


def measure_noise(regions: Sequence[LatticeWaves]) -> list[Noise]:
    """Noise of the waves of each piece, from the quadratures in a ring around the reflections.

    The quadratures are taken against the local phases, so that strain does not blur their
    correlation. Other reflections and streaks in the ring are left out. Rows that are displaced
    against each other make a streak through each reflection along y. The pieces of an image were
    scanned by the same lines: the variance of their displacement is taken from all.

    The covariance of few coefficients is drawn towards its diagonal, by as much as its
    correlations are uncertain, so that a small piece does not trust correlations that it cannot
    know.

    Raises
    ------
    ValueError
        If the ring holds too few Fourier coefficients.
    """
    white = [_measure_piece(region) for region in regions]
    columns = [measure_columns(region) for region in regions]
    jitter = fit_jitter([column for some in columns for column in some])
    return [
        Noise(covariance, line_covariance(region, some, jitter))
        for region, covariance, some in zip(regions, white, columns, strict=True)
    ]


def _measure_piece(region: LatticeWaves) -> np.ndarray:
    """Covariance of the quadratures of the waves of one piece."""
    coarse = region.coarse
    # Gain of white noise from pixels to nodes, of whose spectrum a part is kept.
    rows, columns = (
        small / large for small, large in zip(coarse.reduced, coarse.padded, strict=True)
    )
    window = _window_at_nodes(region)
    found = [_quadrature(region, index) for index in range(len(region))]
    weights = np.array([window * weight for weight, _ in found])
    parts = np.array([window * part for _, part in found])
    quadratures = parts.imag
    chosen = find_ring(region)
    ring, in_phase = (
        scipy.fft.rfft2(one, coarse.reduced)[:, chosen] for one in (quadratures, parts.real)
    )
    if ring.shape[1] < MINIMUM_COEFFICIENTS:
        raise ValueError(
            "too few Fourier coefficients around the reflection to measure the noise: "
            "use a larger image or region, or a smaller resolution"
        )
    energy = rows * columns * np.einsum("kij,lij->kl", weights, weights, dtype=float)
    energy = np.maximum(energy, np.finfo(np.float32).tiny)
    # Two numbers for each independent coefficient of half a ring.
    area = float(np.sum(window**2)) ** 2 / float(np.sum(window**4)) * node_area(region)
    (padded_x, step_x), (padded_y, step_y) = padded_lengths(region)
    independent = 2.0 * ring.shape[1] * area / (padded_x * step_x * padded_y * step_y)
    ring, slopes = _without_amplitudes(ring, in_phase, ring_frequencies(region, chosen))
    white = _shrink(_robust_covariance(ring, independent) / energy, independent)
    # What amplitudes give to phases grows with the frequency k: the slope along x of a Gaussian
    # average sees <k_x^2> = 1.5 / (2 pi s)^2, the slope along y a third of that.
    seen = STEEPNESS * slopes @ slopes.T / (2.0 * np.pi * coarse.resolution) ** 2
    return white + seen * _robust_covariance(in_phase, independent) / energy


def is_significant(region: LatticeWaves, noise: Noise, index: int) -> np.ndarray:
    """Nodes at which the amplitude of one wave stands out of its white noise."""
    magnitude = np.abs(region.waves[index].amplitude)
    limits = np.finfo(np.float32)
    rounding = max(float(limits.eps) * float(magnitude.max()), float(limits.tiny))
    deviation = np.sqrt(noise.white[index] * region.window.amplitude_noise) + rounding
    return (region.window.mass > 0.0) & (magnitude > MINIMUM_AMPLITUDE_TO_NOISE * deviation)


def frequency_errors(
    regions: Sequence[LatticeWaves], weights: Sequence[np.ndarray], noises: Sequence[Noise]
) -> np.ndarray:
    """Find standard errors of the mean frequencies in the reference along x and y, shape (k, 2).

    Those in one window, over the root of the number of windows that the reference holds side by
    side; nodes count by the squared amplitude, as for the mean. Scan lines are left out: they
    displace all waves alike. ``weights`` are those of the reference at the nodes of each piece, in
    pixels.
    """
    noise_power, power = np.zeros((len(regions[0]), 2)), np.zeros(len(regions[0]))
    windows, mass = 0.0, 0.0
    for region, inside, noise in zip(regions, weights, noises, strict=True):
        pixels = float(inside.sum(dtype=float))
        mass += pixels
        area = pixels * float(np.prod(region.coarse.scale))
        windows += area / (PATCH * region.coarse.resolution**2)
        of_slope = region.window.gradient_noise[[0, 1], [0, 1]]
        for index, wave in enumerate(region.waves):
            here = inside * np.abs(wave.amplitude).astype(float) ** 2
            power[index] += here.sum()
            noise_power[index] += noise.white[index] * np.sum(here * of_slope, axis=(1, 2))
    variance = mass * noise_power / power[:, None] ** 2
    return np.sqrt(variance / max(windows, 1.0)) / (2.0 * np.pi)


def _window_at_nodes(region: LatticeWaves) -> np.ndarray:
    """Mass of the windows times the widest smooth window of the piece, which keeps tails short."""
    coarse, piece = region.coarse, region.piece
    positions = coarse.node_positions()[::-1]
    row, column = (
        np.minimum(np.rint(place / step).astype(int), size - 1)
        for place, step, size in zip(positions, coarse.scale[::-1], coarse.shape, strict=True)
    )
    if piece.full:
        along_y, along_x = (
            np.sin(np.pi * (place + 0.5) / size).astype(np.float32) ** 2
            for place, size in zip((row, column), coarse.shape, strict=True)
        )
        return np.outer(along_y, along_x) * region.window.mass
    near = piece.distance[np.ix_(row, column)]
    eroded = NOISE_EROSION * float(piece.distance.max())
    x, y = (
        step * large / small
        for step, large, small in zip(
            coarse.scale, coarse.padded[::-1], coarse.reduced[::-1], strict=True
        )
    )
    return smooth_rows(near, eroded, (x, y))(0, len(near)) * region.window.mass


def _quadrature(region: LatticeWaves, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the nodes, and what of the image is in phase and (imaginary) out of it.

    The weights are the amplitude of the wave over its largest: where there is none, its phase is
    that of noise, and what another part of the image leaves there is no noise.
    """
    wave, coarse = region.waves[index], region.coarse
    around = coarse.to_nodes(coarse.crop(region.spectrum, coarse.nearest_bin(wave.carrier)))
    weight = np.abs(wave.field)
    largest = max(float(weight.max()), float(np.finfo(np.float32).tiny))
    return weight / largest, around * wave.field.conj() / largest


def _without_amplitudes(
    ring: np.ndarray, in_phase: np.ndarray, frequency: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Take out of the quadratures what they have of the amplitudes.

    Columns of random heights have the spectrum f(g + k) W(k), f being that of one column, which
    falls with the frequency: it is higher at g - k than at g + k. By that difference, which is
    proportional to k, changes of the amplitude appear as changes of the phase. The windows that
    measure strain see far smaller k than the ring does.

    Parameters
    ----------
    ring, in_phase
        Spectra of the parts of the image that are out of phase and in phase, shape (k, n).
    frequency
        Shape (2, n).

    Returns
    -------
    rest
        What is left of the quadratures, shape (k, n).
    slopes
        Change of the phase with the frequency for each wave, shape (k, 2).
    """
    rest, slopes = ring.copy(), np.zeros((len(ring), 2))
    ordinary = are_ordinary(ring) & are_ordinary(in_phase)
    for index, (own, along) in enumerate(zip(ring, in_phase, strict=True)):
        basis = 1j * frequency * along
        some = basis[:, ordinary]
        normal = (some @ some.conj().T).real
        if np.linalg.det(normal) > 0.0:
            slopes[index] = np.linalg.solve(normal, (some.conj() @ own[ordinary]).real)
            rest[index] = own - slopes[index] @ basis
    return rest, slopes


def _robust_covariance(ring: np.ndarray, independent: float) -> np.ndarray:
    """Covariance with the median power of each wave where the mean holds tails of other peaks.

    The mean is the more precise of the two: it counts unless it exceeds the median clearly.
    """
    middle = np.median(np.abs(ring) ** 2, axis=1) / np.log(2.0)
    product = mean_product(ring[:, are_ordinary(ring)])
    mean = np.maximum(np.diag(product), np.finfo(np.float32).tiny)
    # Half of the numbers are coefficients; the median of their power has an error of 1 / sqrt(n)
    # over ln 2, less what it has in common with the mean.
    clear = mean > middle * (1.0 + CLEAR_EXCESS * np.sqrt(2.0 / independent))
    deviation = np.sqrt(np.where(clear, middle / mean, 1.0))
    return product * np.outer(deviation, deviation)


def _shrink(covariance: np.ndarray, independent: float) -> np.ndarray:
    """Draw a covariance of so many independent numbers towards its diagonal.

    A correlation of n numbers has a standard error of (1 - r^2) / sqrt(n); that of all pairs
    together is compared with what is there [1]_. Weights that follow the chance of the sample make
    the errors of k waves seem smaller than they are, in variance by 2 (k - 2) / n.

    References
    ----------
    .. [1] J. Schaefer, K. Strimmer, Stat. Appl. Genet. Mol. Biol. 4 (2005) 32.
    """
    deviation = np.sqrt(np.maximum(np.diag(covariance), np.finfo(np.float32).tiny))
    correlation = covariance / np.outer(deviation, deviation)
    pairs = ~np.eye(len(covariance), dtype=bool)
    uncertain = np.sum((1.0 - correlation[pairs] ** 2) ** 2) / independent
    total = max(float(np.sum(correlation[pairs] ** 2)), float(np.finfo(float).tiny))
    kept = 1.0 - min(1.0, uncertain / total)
    chance = 1.0 + kept * 2.0 * (len(covariance) - 2) / independent
    return chance * np.where(pairs, kept * covariance, np.diag(deviation**2))
