"""Arguments that a scan and every sample check alike."""

from __future__ import annotations

import math


def require_positive(**values: float) -> None:
    """Raise unless every value is a positive finite number.

    Parameters
    ----------
    **values
        Arguments by name.

    Raises
    ------
    ValueError
        Naming the first argument that is not.
    """
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, not {value!r}.")
