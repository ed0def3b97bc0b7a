"""Where the virtual cell sits: the in-plane origin from the phases of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import (
    HAADF_EXPONENT,
    Crystal,
    Grid,
    integer_row_basis,
    kernel,
    region_window,
)
from hyperspy_twin.registration.virtual_cell import reciprocal_vectors

# Pixels: displacements are averaged over squares of this side. Within one a strain of 10 % moves
# the lattice by less than half a pixel.
BLOCK = 4
# Points of the search grid within the shortest period of the waves.
SAMPLES_PER_PERIOD = 8
# Highest maxima on the grid that are refined.
STARTS = 12
# Reflections below this fraction of the strongest carry rounding errors only.
NEGLIGIBLE = 1e-6
# Newton's method ends at a step of this length, in nm.
CONVERGED = 1e-10
# It takes a few steps; far more are allowed.
MOST_STEPS = 50
# Merits, of 1 at most, that differ by rounding errors only: those of hundreds of terms.
SAME_MERIT = 1e-9
# Maxima closer than this, in nm, are the same.
SAME_MAXIMUM = 1e-4


@dataclass(frozen=True)
class Origin:
    """In-plane position of a cell's origin and how well it explains the image.

    Attributes
    ----------
    position
        The origin (x, y) in nm.
    merit
        Correlation of image and projected columns over the reflections used, at most 1.
    margin
        Merit minus that of the next best position, 0 if the reflections do not tell them apart.
    """

    position: tuple[float, float]
    merit: float
    margin: float


def measure_amplitudes(
    image: np.ndarray,
    grid: Grid,
    mask: np.ndarray,
    *,
    g: np.ndarray,
    displacement: np.ndarray | None = None,
) -> np.ndarray:
    """Measure complex Fourier amplitudes of a region at exact reciprocal vectors.

    They are A in "image = sum A exp(2 pi i g.(r - u))", shape (k,), with r counted from the
    coordinate origin of the grid, and g the vectors (x, y) in 1/nm, shape (k, 2). With a
    displacement (u_x, u_y) in nm, shape (2, rows, columns), the lattice is straightened first, so
    that the phases belong to the lattice which the displacement refers to and agree over a whole
    strained region. Pixels whose image or displacement is not finite are left out.

    Raises
    ------
    ValueError
        If shapes disagree or no pixel is left.
    """
    image = np.asarray(image, float)
    g = np.atleast_2d(np.asarray(g, float))
    if image.shape != grid.shape or np.shape(mask) != grid.shape:
        raise ValueError(f"image and mask must have the shape of the grid, {grid.shape}")
    usable = np.asarray(mask, bool) & np.isfinite(image)
    if displacement is not None:
        displacement = np.asarray(displacement, float)
        if displacement.shape != (2, *grid.shape):
            raise ValueError(f"displacement must have shape {(2, *grid.shape)}")
        usable &= np.all(np.isfinite(displacement), axis=0)
    if not usable.any():
        raise ValueError("the region is empty: choose one that holds pixels of the lattice")
    rows, columns = (slice(axis.min(), axis.max() + 1) for axis in np.nonzero(usable))
    window = region_window(usable[rows, columns]).astype(float)
    values = np.where(window > 0, image[rows, columns], 0.0)
    total = window.sum()
    weighted = window * (values - (window * values).sum() / total) / total
    along_x = np.exp(-2j * np.pi * np.outer(g[:, 0], grid.x[columns]))
    along_y = np.exp(-2j * np.pi * np.outer(g[:, 1], grid.y[rows]))
    if displacement is None:
        return np.sum((along_y @ weighted) * along_x, axis=1)
    u_x, u_y = _block_means(np.where(window > 0, displacement[:, rows, columns], 0.0))
    return np.array(
        [
            np.sum(_block_sums(weighted, wave_x, wave_y) * np.exp(2j * np.pi * (a * u_x + b * u_y)))
            for (a, b), wave_x, wave_y in zip(g, along_x, along_y, strict=True)
        ]
    )


@kernel
def _block_sums(weighted: np.ndarray, wave_x: np.ndarray, wave_y: np.ndarray) -> np.ndarray:
    """Sum a modulated image over square blocks, in which the displacement hardly varies."""
    rows, columns = weighted.shape
    sums = np.zeros(((rows + BLOCK - 1) // BLOCK, (columns + BLOCK - 1) // BLOCK), np.complex128)
    for row in range(rows):
        for start in range(0, columns, BLOCK):
            part = 0j
            for column in range(start, min(start + BLOCK, columns)):
                part += weighted[row, column] * wave_x[column]
            sums[row // BLOCK, start // BLOCK] += part * wave_y[row]
    return sums


def _block_means(fields: np.ndarray) -> np.ndarray:
    """Means of fields (n, rows, columns) over the same blocks."""
    padding = [(0, 0), *((0, -size % BLOCK) for size in fields.shape[1:])]
    padded = np.pad(fields, padding, mode="edge")
    count, rows, columns = padded.shape
    blocks = padded.reshape(count, rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    return blocks.mean(axis=(2, 4))


def fit_origin(
    crystal: Crystal,
    base: np.ndarray,
    *,
    hkl: np.ndarray,
    amplitudes: np.ndarray,
    near: tuple[float, float] = (0.0, 0.0),
) -> Origin:
    """Place a cell so that its projected columns sit on the bright maxima of the image.

    Columns of brightness w_j at r0 + x_j have the Fourier amplitudes S_g exp(-2 pi i g.r0) with
    S_g = sum_j w_j exp(-2 pi i g.x_j). The origin maximises their correlation with the measured
    amplitudes, ``sum_g |A_g| |S_g| cos(arg A_g - arg S_g + 2 pi g.r0)``, searched over one period
    on a fine grid and refined by Newton's method. Columns must be bright, as in HAADF-STEM.

    Parameters
    ----------
    crystal
        The crystal; its atoms are as bright as their occupancy times Z ** 1.7, as in HAADF.
    base, hkl
        As for :func:`reciprocal_vectors`; the reflections belong to one zone.
    amplitudes
        Complex amplitudes of the image, measured at ``reciprocal_vectors(base, hkl)``: those
        of ``base`` itself, since another vector's phase drifts with the distance from the
        coordinate origin. Shape (k,).
    near
        Point (x, y) in nm; of the equivalent origins the one nearest to it is returned.

    Raises
    ------
    ValueError
        If the reflections do not span one plane, or carry no amplitude in image or structure.
    """
    hkl = np.asarray(hkl)
    amplitudes = np.asarray(amplitudes, complex)
    if hkl.ndim != 2 or hkl.shape[1] != 3 or amplitudes.shape != (len(hkl),):
        raise ValueError("hkl must be (k, 3) and amplitudes (k,)")
    if not np.all(np.isfinite(amplitudes)):
        raise ValueError("amplitudes must be finite")
    if not np.array_equal(hkl, np.rint(hkl)):
        raise ValueError("hkl must be integers")
    products = amplitudes * np.conj(structure_factors(crystal, hkl))
    strong = np.abs(products) > NEGLIGIBLE * np.max(np.abs(products), initial=0.0)
    generators = integer_row_basis(hkl[strong])
    if len(generators) != 2:
        raise ValueError(
            "an origin needs reflections of one zone in at least two directions, with amplitude "
            f"both in the image and in the structure; these span {len(generators)} direction(s)"
        )
    g = reciprocal_vectors(base, hkl[strong])
    coefficients = products[strong] / np.abs(products[strong]).sum()
    period = np.linalg.inv(reciprocal_vectors(base, generators)).T
    starts = _starts(g, coefficients, period)
    maxima = sorted((_climb(start, g, coefficients) for start in starts), key=lambda one: -one[1])
    reference = np.asarray(near, float)
    merit = maxima[0][1]
    # Of maxima that rounding errors tell apart the nearest is taken, and of equally near ones that
    # of smaller x, then y.
    best = min(
        (
            reference + _nearest_point(point - reference, period)
            for point, value in maxima
            if value > merit - SAME_MERIT
        ),
        key=lambda point: _order(point - reference, period),
    )
    others = [
        value
        for point, value in maxima
        if np.linalg.norm(nearest_remainder(point - best, period)) >= SAME_MAXIMUM
    ]
    x, y = best
    return Origin((float(x), float(y)), float(merit), float(merit - max(others, default=0.0)))


def structure_factors(crystal: Crystal, hkl: np.ndarray) -> np.ndarray:
    """Fourier coefficients (k,) of a crystal whose atoms are as bright as in HAADF."""
    brightness = np.asarray(crystal.occupancy) * crystal.numbers.astype(float) ** HAADF_EXPONENT
    phases = -2j * np.pi * (np.asarray(hkl) @ np.asarray(crystal.fractional, float).T)
    return np.exp(phases) @ brightness


def shift_by_structure(one: Crystal, other: Crystal, base: np.ndarray, hkl: np.ndarray) -> float:
    """Largest shift in nm that one reflection shows between two crystals on the same lattice.

    It comes from the phases of their structure factors, and is none where elements are exchanged on
    all sites alike. ``base`` and ``hkl`` are as for :func:`reciprocal_vectors`.
    """
    products = structure_factors(one, hkl) * np.conj(structure_factors(other, hkl))
    strong = np.abs(products) > NEGLIGIBLE * np.max(np.abs(products), initial=0.0)
    lengths = np.linalg.norm(reciprocal_vectors(base, np.asarray(hkl)[strong]), axis=1)
    shifts = np.abs(np.angle(products[strong])) / (2 * np.pi * lengths)
    return float(np.max(shifts, initial=0.0))


def find_origin_error(g: np.ndarray, snr: np.ndarray) -> tuple[float, float]:
    """Find the standard errors (x, y) of an origin by the noise of the phases of its reflections.

    The phase of a wave whose power is ``snr`` times that of its noise has the variance
    1 / (2 snr), and changes by 2 pi g for each unit of the origin.

    Parameters
    ----------
    g
        Reflections (x, y) in 1/nm, shape (k, 2).
    snr
        Of each, shape (k,).
    """
    g = np.asarray(g, float)
    information = 8 * np.pi**2 * (g.T * np.asarray(snr, float)) @ g
    if not np.isfinite(information).all():
        return np.nan, np.nan
    x, y = np.sqrt(np.diag(np.linalg.inv(information)))
    return float(x), float(y)


def _nearest_point(vector: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Shortest of the vectors that whole periods, in rows, make of a vector."""
    fraction = vector @ np.linalg.inv(period)
    candidates = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    points = (fraction - np.rint(fraction) + candidates) @ period
    return min(points, key=lambda point: _order(point, period))


def _order(vector: np.ndarray, period: np.ndarray) -> tuple[float, ...]:
    """Length of a vector, then x, then y, in periods and without rounding errors."""
    relative = vector / np.linalg.norm(period[0])
    return tuple(np.round([relative @ relative, *relative], 6) + 0.0)


def _starts(g: np.ndarray, coefficients: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Return the highest local maxima of the correlation on a grid over one period."""
    fastest = np.max(np.linalg.norm(g, axis=1))
    counts = np.ceil(SAMPLES_PER_PERIOD * fastest * np.linalg.norm(period, axis=1)).astype(int)
    first, second = (np.arange(count) / count for count in counts)
    wave_first = np.exp(2j * np.pi * np.outer(first, g @ period[0]))
    wave_second = np.exp(2j * np.pi * np.outer(second, g @ period[1]))
    values = ((wave_first * coefficients) @ wave_second.T).real
    peaks = (values == ndimage.maximum_filter(values, 3, mode="wrap")) & (values > 0)
    rows, columns = np.nonzero(peaks)
    highest = np.argsort(-values[rows, columns])[:STARTS]
    return np.outer(first[rows[highest]], period[0]) + np.outer(second[columns[highest]], period[1])


def _climb(point: np.ndarray, g: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, float]:
    """Refine a maximum of the correlation by Newton's method."""
    longest_step = 0.25 / np.max(np.linalg.norm(g, axis=1))
    for _ in range(MOST_STEPS):
        terms = coefficients * np.exp(2j * np.pi * (g @ point))
        gradient = -2 * np.pi * (terms.imag @ g)
        curvature = 4 * np.pi**2 * (g.T * terms.real) @ g
        values, axes = np.linalg.eigh(curvature)
        # Steps follow the gradient uphill even where the curvature has the wrong sign.
        damped = np.maximum(np.abs(values), 1e-6 * np.max(np.abs(values)))
        step = axes @ ((axes.T @ gradient) / damped)
        length = np.linalg.norm(step)
        point = point + step * min(1.0, longest_step / max(length, 1e-30))
        if length < CONVERGED:
            break
    return point, float((coefficients * np.exp(2j * np.pi * (g @ point))).real.sum())


def nearest_remainder(vector: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Give what a vector has beyond the nearest sum of whole periods, in rows."""
    fraction = vector @ np.linalg.inv(period)
    return (fraction - np.rint(fraction)) @ period
