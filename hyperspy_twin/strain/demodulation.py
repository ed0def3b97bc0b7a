"""The lattice wave near a carrier: amplitude, phase and local frequency, without unwrapping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.strain.gaussian_windows import Window, gaussian_mask


@dataclass(frozen=True)
class Wave:
    """One lattice wave A exp(2 pi i carrier.r + i phase) at the nodes of a coarse grid.

    Attributes
    ----------
    carrier
        Frequency (x, y) that is taken out of the phase.
    amplitude
        Complex amplitude relative to the carrier, normalised to the window's mass.
    frequency
        Local frequency (x, y) of the lattice, shape (2, rows, columns).
    """

    carrier: np.ndarray
    amplitude: np.ndarray
    frequency: np.ndarray


def demodulate(
    window: Window, spectrum: np.ndarray, carrier: np.ndarray, origin: np.ndarray
) -> Wave:
    """Measure the complex amplitude and local frequency of the lattice wave near a carrier.

    Parameters
    ----------
    window
        Moments of the windows.
    spectrum
        ``window.coarse.spectrum`` of the image with the same weights.
    carrier
        Frequency (x, y) on which the Gaussian mask is centred.
    origin
        Position (x, y) of the first pixel, which fixes the zero of the phase.

    Returns
    -------
    Wave
        The wave, its phase gradient obtained without unwrapping.

    References
    ----------
    M. J. Hytch, E. Snoeck, R. Kilaas, Ultramicroscopy 74 (1998) 131-146.
    """
    coarse = window.coarse
    centre = coarse.nearest_bin(carrier)
    offset = np.asarray(carrier) - coarse.bin_frequency(centre)
    masked = coarse.crop(spectrum, centre) * gaussian_mask(coarse, offset, coarse.resolution)
    field = coarse.to_nodes(masked)
    x, y = coarse.frequencies()
    present = (window.mass > 0.0) & (np.abs(field) > 0.0)
    safe = np.where(present, field, 1.0)
    deviation = np.empty((2, *field.shape), np.float32)
    for axis, frequency in enumerate((x, y)):
        # d(field)/d(axis) / field is 2 pi i times the local frequency about the crop's centre.
        slope = coarse.to_nodes(masked * (frequency - offset[axis]).astype(np.float32))
        deviation[axis] = np.where(present, (slope / safe).real, 0.0)
    deviation = np.einsum("ij...,j...->i...", window.jacobian_inverse, deviation)

    node_x, node_y = coarse.node_positions()
    start = float(np.dot(carrier, origin)) % 1.0
    turn = (offset[0] * node_x + start)[None, :] + (offset[1] * node_y)[:, None]
    turn = turn.astype(np.float32)
    turn += np.einsum("i...,i...->...", deviation, window.centroid)
    mass = np.where(present, window.mass, 1.0)
    amplitude = np.where(present, field / mass * np.exp(np.complex64(-2j * np.pi) * turn), 0.0)
    return Wave(
        carrier=np.asarray(carrier, float),
        amplitude=amplitude.astype(np.complex64),
        frequency=deviation + np.asarray(carrier, np.float32)[:, None, None],
    )
