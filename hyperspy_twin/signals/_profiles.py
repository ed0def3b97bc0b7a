"""Profiles of a map as signals of HyperSpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hyperspy.signals import Signal1D


def profile_signal(
    distance: np.ndarray,
    values: np.ndarray,
    errors: np.ndarray | None,
    *,
    names: Sequence[str],
    unit: str,
    title: str,
    details: Mapping[str, Any],
) -> Signal1D:
    """Signal of profiles, with their variance where the errors are known.

    Parameters
    ----------
    distance
        Along the line, even, shape (n,).
    values, errors
        Profiles and their standard errors, shape (profiles, n); one profile has no navigation axis.
    names
        Of the profiles.
    unit
        Of the distance.
    title
        Of the signal.
    details
        Kept beside the names, in ``metadata.Profile``.
    """
    step = float(distance[1] - distance[0]) if len(distance) > 1 else 1.0
    axes: list[dict[str, Any]] = [
        {"name": "component", "size": len(names), "navigate": True},
        {
            "name": "distance",
            "size": len(distance),
            "scale": step,
            "offset": float(distance[0]),
            "units": unit,
            "navigate": False,
        },
    ]
    if len(names) == 1:
        axes, values = axes[1:], values[0]
        errors = None if errors is None else errors[0]
    profile = {**details, "components": list(names)}
    signal = Signal1D(values, axes=axes, metadata={"General": {"title": title}, "Profile": profile})
    if errors is not None:
        signal.metadata.set_item("Signal.Noise_properties.variance", Signal1D(errors**2, axes=axes))
    return signal
