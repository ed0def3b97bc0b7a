"""The sizes of particles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.segmentation import fit_size_distribution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.segmentation import ParticleSizes


def particles_figure(sizes: ParticleSizes, unit: str) -> Figure:
    """Histogram of the diameters of whole particles, with its lognormal distribution.

    Parameters
    ----------
    sizes
        The particles.
    unit
        Unit of their diameters.
    """
    import matplotlib.pyplot as plt
    from scipy.stats import lognorm

    found = fit_size_distribution(sizes)
    diameter = sizes.equivalent_diameter[~sizes.touches_border]
    figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
    _, edges, _ = axis.hist(diameter, bins="auto", color="#9ecae1", edgecolor="white")
    if found.spread > 0:
        along = np.linspace(0.5 * diameter.min(), 1.3 * diameter.max(), 300)
        density = lognorm.pdf(along, found.spread, scale=found.median)
        axis.plot(along, density * found.count * (edges[1] - edges[0]), color="#3182bd")
    axis.set(xlabel=f"equivalent diameter ({unit})", ylabel="particles")
    axis.set_title(
        f"{found.count} whole particles: {found.mean:.3g} ± {found.standard_deviation:.2g} {unit} "
        f"(standard error {found.standard_error:.1g})"
    )
    return figure
