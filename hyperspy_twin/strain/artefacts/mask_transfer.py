"""Division of a strain map by the transfer function of its mask, to first order.

A Gaussian mask of standard deviation s in real space passes strain of the spatial frequency k by
T = exp(-2 pi^2 s^2 k^2), and one of sqrt(2) s by T^2. Twice the first map less the second passes
T (2 - T), which is T / T to first order in 1 - T [1]_. It needs no division by small numbers, and
holds at outlines as well, where both windows are cut alike.

References
----------
.. [1] P. H. van Cittert, Z. Phys. 69 (1931) 298-308.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hyperspy_twin.core import StrainField
from hyperspy_twin.strain.plan import Plan

# Second window over the first, for the square of the transfer function.
WIDER = float(np.sqrt(2.0))
# Standard error over that before, of a slope of white noise, inside: with T = exp(-q), the noise is
# the integral of q (2 T - T^2)^2 over that of q T^2, 4 - 16/9 + 1/4, under the root. At a straight
# outline 1.4 to 1.9 are measured.
NOISE_FACTOR = float(np.sqrt(4.0 - 16.0 / 9.0 + 1.0 / 4.0))
STRAINS = ("e_xx", "e_yy", "e_xy", "rotation")
ERRORS = ("sigma_xx", "sigma_yy", "sigma_xy", "sigma_rotation")


def divide_by_transfer(
    analyse: Callable[..., StrainField], plan: Plan, field: StrainField
) -> StrainField:
    """Divide a strain map by the transfer function of its mask, to first order.

    Of strain with a period of 10 resolutions 97 % are shown instead of 82 %, of 20 resolutions
    99.8 % instead of 95 %; the standard errors are 1.57 times as large.

    Parameters
    ----------
    analyse
        Analysis of the image, which takes a plan, and ``resolution`` and ``displacement`` by name.
    plan
        Plan of the map.
    field
        The map.

    Returns
    -------
    StrainField
        NaN also where the wider window gives no strain. The displacement is left as it is. The
        noise behind the errors, which is that of one window, is not given.

    Raises
    ------
    ValueError
        If the wider window does not fit into the image.
    """
    try:
        wide = analyse(plan, resolution=WIDER * field.resolution, displacement=False)
    except ValueError as error:
        raise ValueError(
            "the transfer function cannot be divided out, because the window that is wider by "
            f"sqrt(2) cannot be used: {error}"
        ) from error
    strain = {name: 2.0 * getattr(field, name) - getattr(wide, name) for name in STRAINS}
    errors = {
        # NaN where either is.
        name: np.float32(NOISE_FACTOR) * getattr(field, name) + 0.0 * getattr(wide, name)
        for name in ERRORS
    }
    return replace(field, **strain, **errors, noise=None)
