"""Counts of an edge above a power law that is fitted before it."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.composition.quantification.edge_fit import fit_power_law


def window_intensity(
    counts: np.ndarray,
    energies: np.ndarray,
    background: tuple[float, float],
    window: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Add up counts in a window above the background; their variance too, each of shape (pixels,).

    Parameters
    ----------
    counts
        Spectra, shape (pixels, channels).
    energies
        Of the channels in eV, shape (channels,).
    background, window
        Lowest and highest energy in eV that the power law is fitted to, and that are added up.

    Raises
    ------
    ValueError
        If fewer than four channels lie in one of the windows.

    Notes
    -----
    The power law is found by Poisson likelihood, as in
    :func:`hyperspy_twin.composition.quantification.fit_edges`.
    """
    counts, energies = np.asarray(counts, float), np.asarray(energies, float)
    before, inside = ((energies >= low) & (energies <= high) for low, high in (background, window))
    for name, chosen, pair in (("background", before, background), ("window", inside, window)):
        if chosen.sum() < 4:
            raise ValueError(
                f"the {name} from {pair[0]:g} to {pair[1]:g} eV holds {chosen.sum()} channels: the "
                f"spectra go from {energies[0]:g} to {energies[-1]:g} eV"
            )
    middle = np.sqrt(energies[before][0] * energies[before][-1])
    logarithm, beyond = np.log(energies[before] / middle), np.log(energies[inside] / middle)
    parameters, covariance = fit_power_law(counts[:, before], logarithm)
    power = np.exp(-parameters[:, 1:] * beyond)
    below = parameters[:, :1] * power
    slopes = np.stack([power.sum(axis=1), -(below * beyond).sum(axis=1)], axis=1)
    total = counts[:, inside].sum(axis=1)
    variance = np.einsum("pi,pij,pj->p", slopes, covariance, slopes)
    return total - below.sum(axis=1), np.maximum(total, 0.0) + variance
