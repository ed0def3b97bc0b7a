"""Electrons that lose energy more than once: ionisation edges as the low loss spreads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve


@dataclass(frozen=True, eq=False)
class LowLoss:
    """Distribution of the energy losses other than that of the edge.

    Attributes
    ----------
    kernel
        Counts over those of the zero-loss peak, shape (pixels, losses).
    gains
        Number of channels before the zero-loss peak.
    thickness
        Of each pixel in inelastic mean free paths, shape (pixels,).
    """

    kernel: np.ndarray
    gains: int
    thickness: np.ndarray

    @property
    def losses(self) -> int:
        """Number of channels after the zero-loss peak."""
        return self.kernel.shape[1] - 1 - self.gains

    def convolve(self, edges: np.ndarray) -> np.ndarray:
        """Edges as they are seen through the specimen, shape (pixels, edges, channels).

        Parameters
        ----------
        edges
            Of single scattering, shape (edges, losses + channels + gains): they begin ``losses``
            channels before the spectrum, and end ``gains`` channels after it.
        """
        return fftconvolve(edges[None], self.kernel[:, None], mode="valid", axes=-1)

    def rows(self, low: int, high: int) -> LowLoss:
        """Low loss of some of the pixels; one spectrum for all stays as it is."""
        if len(self.kernel) == 1:
            return self
        return LowLoss(self.kernel[low:high], self.gains, self.thickness[low:high])


def low_loss_of(counts: np.ndarray) -> LowLoss:
    """Distribution of the losses of low-loss spectra, with the zero-loss peak in their maximum.

    The zero-loss peak is taken as symmetric: twice what lies below its maximum, and the maximum.

    Parameters
    ----------
    counts
        Spectra from below the zero-loss peak on, shape (pixels, channels).

    Returns
    -------
    LowLoss
        Normalised to the counts of the zero-loss peak.

    Raises
    ------
    ValueError
        If the spectra have no zero-loss peak.

    References
    ----------
    R.F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, Springer (2011),
    section 5.1.
    """
    counts = np.asarray(counts, float)
    peak = int(counts.sum(axis=0).argmax())
    if peak == 0 or not (counts[:, peak] > 0).all():
        raise ValueError(
            "the low loss has no zero-loss peak: its spectra have to begin below it, and hold it "
            "at the same channel in all pixels; align them first with "
            "low_loss.align_zero_loss_peak()"
        )
    elastic = 2 * counts[:, :peak].sum(axis=1) + counts[:, peak]
    thickness = np.log(np.maximum(counts.sum(axis=1) / elastic, 1.0))
    return LowLoss(counts / elastic[:, None], peak, thickness)
