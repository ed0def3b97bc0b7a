"""Rings of a power spectrum: its radial profile, and the maxima in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, signal

from hyperspy_twin.spectra.graininess import measure_graininess
from hyperspy_twin.spectra.ring_sums import (
    ELLIPTICAL,
    VARIANCE_OF_LOGARITHM,
    fit_ellipse,
    ring_geometry,
    sum_rings,
)
from hyperspy_twin.spectra.transform import WindowedRegion

# Standard deviation of the smoothing of a profile, in bins. This and the constants below without
# another reason are set on the tuning half of benchmarks/spots.py.
SMOOTHING = 1.5
# Rings of a profile in which maxima can be told.
FEWEST_RINGS = 5
# Fewest bins around a peak that are left out.
SMALLEST_REACH = 5.0
# Most bins. At the distance r the tail of a crystal with a sharp boundary has its SNR over
# (pi r)^2.
LARGEST_REACH = 20.0
# A ring stands out by this many standard errors ...
SIGNIFICANCE = 5.0
# ... and by this much of its power.
SMALLEST_PROMINENCE = 0.15
# Fraction of the rings that are taken to hold the floor alone.
FREE = 0.35
# Standard errors above the floor that chance may reach here and there.
CHANCE = 2.0
# Directions in which a profile is measured apart: along x, along y, and along both diagonals.
DIRECTIONS = 4
# Range of the logarithm of the radius below the first ring over which the power is taken to stay
# as it is there: what only falls from the inside on is no ring.
UNSEEN = 1.0


@dataclass(frozen=True)
class RadialProfile:
    """Power over rings of a spectrum.

    Attributes
    ----------
    radius
        Mean radius of each ring, shape (m,), in 1/nm.
    noise
        Expected power by the mean logarithm, without the peaks, shape (m,).
    noise_error
        Standard error of the logarithm of ``noise``, shape (m,).
    mean
        Mean power with the peaks, shape (m,).
    mean_error
        Standard error of the logarithm of ``mean``, shape (m,).
    graininess
        How much the power between the peaks changes along the rings more than that of Gaussian
        noise, in standard errors, where it does most; about 0.5 for noise.
    ellipse
        Relative change (cosine, sine) of the radius with twice the azimuth, by astigmatism.
    by_direction
        Logarithm of the noise within 22.5 degrees of x, of a diagonal, of y and of the other
        diagonal, shape (4, m); NaN where a ring has no pixel there.
    direction_error
        Its standard errors, shape (4, m); infinite where a ring has no pixel there.
    """

    radius: np.ndarray
    noise: np.ndarray
    noise_error: np.ndarray
    mean: np.ndarray
    mean_error: np.ndarray
    graininess: float
    ellipse: tuple[float, float]
    by_direction: np.ndarray
    direction_error: np.ndarray

    def elliptical(self, position: np.ndarray) -> np.ndarray:
        """Radii, shape (n,), of the rings that frequencies, shape (n, 2), lie on."""
        x, y = position.T
        bend = self.ellipse[0] * (x * x - y * y) + self.ellipse[1] * 2 * x * y
        return np.sqrt(x * x + y * y - 2 * bend)


@dataclass(frozen=True)
class Rings:
    """Maxima of a radial profile, by falling prominence.

    Attributes
    ----------
    radius
        Radii, shape (m,), in 1/nm.
    error
        Their standard errors, shape (m,).
    width
        Full widths at half height, shape (m,), in 1/nm.
    height
        Power at the maximum over that of the higher of the adjacent minima, shape (m,).
    """

    radius: np.ndarray
    error: np.ndarray
    width: np.ndarray
    height: np.ndarray

    def __len__(self) -> int:
        return len(self.radius)

    @classmethod
    def none(cls) -> Rings:
        """No rings."""
        return cls(*np.zeros((4, 0)))


def measure_radial_profile(
    region: WindowedRegion, position: np.ndarray, snr: np.ndarray
) -> RadialProfile:
    """Average the power of a windowed region over rings.

    Gaussian noise has exponential power: the mean logarithm is that of the mean less Euler's
    constant. Speckles, arcs and peaks raise the mean above that.

    Parameters
    ----------
    region
        The windowed region.
    position
        Peaks (x, y) that are left out of the noise, shape (n, 2).
    snr
        Their signal-to-noise ratios, shape (n,); tails of strong peaks are left out with them.

    Returns
    -------
    RadialProfile
        From 8 periods across the region up to 0.42 cycles per pixel.
    """
    size, band = ring_geometry(region.grid)
    power = region.power
    reach = np.clip(np.sqrt(snr) / np.pi, SMALLEST_REACH, LARGEST_REACH)
    peaks = np.column_stack([position, reach])
    cells = _correlated_pixels(region.window)
    ellipse = (0.0, 0.0)
    count, total, logarithm, squares, ring = sum_rings(power, size, band, peaks, ellipse)
    fitted, evidence = fit_ellipse(count / cells, logarithm / np.maximum(count, 1))
    if evidence > ELLIPTICAL:
        ellipse = fitted
        count, total, logarithm, squares, ring = sum_rings(power, size, band, peaks, ellipse)
    clear = count.sum(axis=1)
    used = (clear > 0) & (ring[:, 0] > 0)
    mean_logarithm = logarithm.sum(axis=1)[used] / clear[used]
    pixels, sums = (_by_direction(values[used]) for values in (count, logarithm))
    with np.errstate(divide="ignore", invalid="ignore"):
        by_direction = sums / pixels + np.euler_gamma
        direction_error = np.sqrt(VARIANCE_OF_LOGARITHM * cells / pixels)
    return RadialProfile(
        radius=(ring[used, 1] / ring[used, 0]) * band[0],
        noise=np.exp(mean_logarithm + np.euler_gamma),
        noise_error=np.sqrt(VARIANCE_OF_LOGARITHM * cells / clear[used]),
        mean=ring[used, 2] / ring[used, 0],
        mean_error=np.sqrt(squares[used] * cells) / ring[used, 2],
        graininess=measure_graininess(count / cells, total / cells),
        ellipse=ellipse,
        by_direction=by_direction,
        direction_error=direction_error,
    )


def _by_direction(sectors: np.ndarray) -> np.ndarray:
    """Sum the sectors (m, 32) on both sides of each direction, (4, m)."""
    each = sectors.shape[1] // DIRECTIONS
    centred = np.roll(sectors, each // 2, axis=1)
    return centred.reshape(len(sectors), DIRECTIONS, each).sum(axis=2).T


def measure_relative_width(profile: RadialProfile) -> float:
    """Measure the width of all that is scattered above the floor of a radial profile.

    Crystallites of one structure scatter into few narrow rings. The halo of an amorphous film is
    broad, and the rings that a lens makes of it lie next to each other and share its whole width.

    Parameters
    ----------
    profile
        The radial profile; the noise between the peaks is judged.

    Returns
    -------
    float
        Area of the power above the floor over the logarithm of the radius, divided by the
        largest; infinite where nothing stands out. For one Gaussian ring 1.06 times its full
        width at half height over its radius; rings of equal height add up.
    """
    if len(profile.radius) < FEWEST_RINGS:
        return float("inf")
    level, error = _smooth(profile.noise, profile.noise_error)
    level = level - np.quantile(level, FREE)
    if not (level > SIGNIFICANCE * error).any():
        return float("inf")
    power = np.maximum(np.expm1(level - CHANCE * error), 0)
    area = power @ np.gradient(np.log(profile.radius)) + UNSEEN * power[0]
    return float(area / power.max())


def find_rings(radius: np.ndarray, power: np.ndarray, error: np.ndarray) -> Rings:
    """Find the maxima of a radial profile that stand out from its noise.

    Parameters
    ----------
    radius
        Radii of the rings, equidistant, shape (m,).
    power
        Their power, shape (m,).
    error
        Standard error of the logarithm of ``power``, shape (m,).

    Returns
    -------
    Rings
        Most prominent first. The radius and its error are those of the vertex of a parabola
        through the logarithm over the upper half of the maximum.
    """
    if len(radius) < FEWEST_RINGS:
        return Rings.none()
    step = float(np.mean(np.diff(radius)))
    logarithm = np.log(power)
    smooth, noise = _smooth(power, error)
    maxima, found = signal.find_peaks(smooth, prominence=SMALLEST_PROMINENCE)
    significant = found["prominences"] > SIGNIFICANCE * noise[maxima]
    maxima = maxima[significant]
    prominence = found["prominences"][significant]
    maxima = maxima[np.argsort(prominence)[::-1]]
    prominence = np.sort(prominence)[::-1]
    # Half of the height in power, not in its logarithm.
    level = -np.log(0.5 + 0.5 * np.exp(-prominence)) / prominence
    widths = np.zeros(len(maxima))
    fitted = np.zeros((len(maxima), 2))
    for n, top in enumerate(maxima):
        widths[n], _, left, right = (
            float(value[0]) for value in signal.peak_widths(smooth, [top], level[n])
        )
        inside = slice(max(0, min(int(left), top - 2)), max(int(right) + 2, top + 3))
        fitted[n] = _vertex(radius[inside], logarithm[inside], error[inside], radius[top])
    return Rings(fitted[:, 0], fitted[:, 1], widths * step, np.exp(prominence))


def _smooth(power: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed logarithm of a profile and its standard error."""
    smooth = ndimage.gaussian_filter1d(np.log(power), SMOOTHING, mode="nearest")
    # Averaging over about 2 sqrt(pi) standard deviations.
    return smooth, error / np.sqrt(2 * np.sqrt(np.pi) * SMOOTHING)


def _vertex(
    radius: np.ndarray, logarithm: np.ndarray, error: np.ndarray, start: float
) -> tuple[float, float]:
    """Vertex of a parabola and its standard error; the scatter about it counts as error."""
    offset = radius - start
    design = np.stack([np.ones_like(offset), offset, offset**2], axis=1) / error[:, None]
    covariance = np.linalg.pinv(design.T @ design)
    constant = covariance @ design.T @ (logarithm / error)
    freedom = max(len(radius) - 3, 1)
    scatter = float(((logarithm / error - design @ constant) ** 2).sum()) / freedom
    _, slope, curvature = constant
    half = 0.5 * float(np.ptp(radius))
    if curvature >= 0:
        return start, half
    vertex = -0.5 * slope / curvature
    gradient = np.array([0.0, -0.5 / curvature, 0.5 * slope / curvature**2])
    variance = float(gradient @ covariance @ gradient) * max(scatter, 1.0)
    return float(start + np.clip(vertex, -half, half)), float(min(np.sqrt(variance), half))


def _correlated_pixels(window: np.ndarray) -> float:
    """Pixels of the spectrum for each independent one, by the overlap of shifted windows."""
    squared = np.square(window).ravel()
    return float(window.size * (squared @ squared) / squared.sum(dtype=float) ** 2)
