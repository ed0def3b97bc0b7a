"""Linear incoherent annular dark-field image of a list of atoms."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from hyperspy_twin.core import ANGSTROM_PER_NM, kernel
from hyperspy_twin.simulation.probe import Microscope, electron_wavelength, probe_transfer
from hyperspy_twin.simulation.scan import ELECTRONS, MARGIN, Scan
from hyperspy_twin.simulation.scattering import atom_image_width, detector_cross_section

# Pixels. At this root-mean-square width the pixels of a Gaussian sum to its weight within 1.1e-6,
# and its spectrum has fallen to 1.5e-5 at the Nyquist frequency.
FINEST_WIDTH = 1.5
# Root-mean-square widths. Beyond, a Gaussian is below 4e-6 of its height.
REACH = 5


@kernel
def add_gaussians(
    image: np.ndarray, points: np.ndarray, weights: np.ndarray, widths: np.ndarray
) -> None:
    """Add Gaussians, whose pixels sum to their weights (n,), to an image, in place.

    The centres (x, y), shape (n, 2), and the root-mean-square widths, shape (n,), at least 1 for an
    exact sum, are in pixels. Centres outside the image add what reaches inside.
    """
    rows, columns = image.shape
    for i in range(points.shape[0]):
        x, y = points[i, 0], points[i, 1]
        reach = REACH * widths[i]
        left = max(0, int(np.ceil(x - reach)))
        right = min(columns - 1, int(np.floor(x + reach)))
        top = max(0, int(np.ceil(y - reach)))
        bottom = min(rows - 1, int(np.floor(y + reach)))
        if left > right:
            continue
        factor = -0.5 / widths[i] ** 2
        profile = np.exp(factor * (np.arange(left, right + 1) - x) ** 2)
        height = weights[i] / (2 * np.pi * widths[i] ** 2)
        for row in range(top, bottom + 1):
            line = height * np.exp(factor * (row - y) ** 2)
            for column in range(left, right + 1):
                image[row, column] += line * profile[column - left]


def scattered_fraction(
    positions: np.ndarray, numbers: np.ndarray, scan: Scan, microscope: Microscope
) -> np.ndarray:
    """Compute the fraction of the beam that each pixel of the scan sends onto the detector.

    Every atom adds its own cross-section times the intensity of the probe there: no channelling,
    no multiple scattering, a probe that keeps its size through the sample.

    References
    ----------
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    E.J. Kirkland, Advanced Computing in Electron Microscopy, Springer (2010), chapter 3.
    """
    species, kind = np.unique(numbers, return_inverse=True)
    widths = np.array([atom_image_width(int(number), microscope) for number in species])
    sections = np.array([detector_cross_section(int(n), microscope) for n in species])
    # Fine enough for the probe's cutoff and for the Gaussians.
    nyquist_step = electron_wavelength(microscope.beam_energy) / (4e-3 * microscope.convergence)
    finest = min([nyquist_step, *(widths / FINEST_WIDTH)])
    factor = int(np.ceil(scan.pixel_size / finest))
    step = scan.pixel_size / factor
    border = int(np.ceil((MARGIN + scan.largest_offset) / step))

    # The second border stays empty, and keeps the circular convolution from wrapping round.
    size = [fft.next_fast_len(n * factor + 4 * border, real=True) for n in scan.shape]
    image = np.zeros(size)
    filled = image[: scan.shape[0] * factor + 2 * border, : scan.shape[1] * factor + 2 * border]
    points = scan.image_points(positions) / step + border
    add_gaussians(filled, points, sections[kind] / step**2, widths[kind] / step)
    frequency = np.hypot(fft.fftfreq(size[0], step)[:, None], fft.rfftfreq(size[1], step)[None, :])
    spectrum = fft.rfft2(image, workers=-1) * probe_transfer(frequency, microscope)
    image = np.maximum(fft.irfft2(spectrum, s=size, workers=-1), 0)
    return _sample(image, border, factor, step, scan)


def _sample(image: np.ndarray, border: int, factor: int, step: float, scan: Scan) -> np.ndarray:
    rows, columns = (border + factor * np.arange(n) for n in scan.shape)
    if scan.scan_jitter == 0 and not any(scan.jump):
        return image[np.ix_(rows, columns)]
    offsets = scan.line_offsets() / step
    points = np.empty((2, *scan.shape))
    points[0] = (rows + offsets[:, 1])[:, None]
    points[1] = columns[None, :] + offsets[:, :1]
    return np.maximum(ndimage.map_coordinates(image, points, order=5, mode="nearest"), 0)


def record_image(
    positions: np.ndarray,
    numbers: np.ndarray,
    *,
    scan: Scan,
    microscope: Microscope | None = None,
) -> np.ndarray:
    """Count the electrons of every pixel, with Poisson statistics.

    Parameters
    ----------
    positions
        Shape (n, 3), Angstrom, image frame.
    numbers
        Atomic numbers, shape (n,).
    scan
        Field of view, dose, drift, tilt and jitter.
    microscope
        Probe and detector; by default the microscope as it is made without arguments.

    Returns
    -------
    numpy.ndarray
        Counts, shape (rows, columns), float32.

    Raises
    ------
    ValueError
        If more electrons would be scattered than came in: the sample is too thick.
    """
    fraction = scattered_fraction(positions, numbers, scan, microscope or Microscope())
    if fraction.max() > 1:
        raise ValueError(
            "the sample scatters more than the whole beam, where the linear image model ends: "
            "make it thinner or smaller."
        )
    electrons = scan.dose * (ANGSTROM_PER_NM * scan.pixel_size) ** 2
    return scan.random(ELECTRONS).poisson(electrons * fraction).astype(np.float32)
