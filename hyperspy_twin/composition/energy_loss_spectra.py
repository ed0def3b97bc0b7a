"""Energy-loss spectra of a signal as rows of an array, read in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal

# Bytes of spectra that are read and fitted at a time, so that a file need not fit into memory.
BLOCK = 64_000_000


class EnergyLossSpectra(NamedTuple):
    """Spectra of all positions, (pixels, channels), and the energies of their channels in eV."""

    data: Any
    energies: np.ndarray

    def blocks(self) -> list[slice]:
        """Parts of the positions that fit into memory."""
        step = max(1, BLOCK // (8 * len(self.energies)))
        return [slice(low, low + step) for low in range(0, len(self.data), step)]

    def read(self, part: slice) -> np.ndarray:
        """Read the counts of some of the positions, shape (pixels, channels)."""
        return np.asarray(self.data[part], float)


def spectra_of_loss(si: BaseSignal, energy_range: tuple[float, float] | None) -> EnergyLossSpectra:
    """Spectra of a signal between two energies in eV.

    Raises
    ------
    ValueError
        If the signal has no uniform energy axis in eV, or no channel between the energies.
    """
    axes = si.axes_manager.signal_axes
    if len(axes) != 1:
        raise ValueError(
            f"spectra have one signal axis, and this signal has {len(axes)}: call "
            "si.as_signal1D(...) with the energy axis"
        )
    (axis,) = axes
    if not axis.is_uniform or str(axis.units) != "eV":
        raise ValueError(
            f"the energy axis has to be uniform and in eV, and its unit is '{axis.units}': set "
            "units, scale and offset of si.axes_manager[-1]"
        )
    data = all_spectra(si)
    energies = axis.axis
    low, high = energy_range or (energies[0], energies[-1])
    inside = np.flatnonzero((energies >= max(low, 0.0)) & (energies <= high) & (energies > 0))
    if not inside.size:
        raise ValueError(
            f"no channel lies between {low:g} and {high:g} eV: the spectra go from "
            f"{energies[0]:g} to {energies[-1]:g} eV"
        )
    return EnergyLossSpectra(data[:, inside[0] : inside[-1] + 1], energies[inside])


def all_spectra(signal: BaseSignal) -> Any:
    """Spectra of all positions, eager or lazy, shape (pixels, channels)."""
    (axis,) = signal.axes_manager.signal_axes
    return np.moveaxis(signal.data, axis.index_in_array, -1).reshape(-1, axis.size)
