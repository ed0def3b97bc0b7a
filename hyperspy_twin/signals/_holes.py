"""Wells of a strain map: which region, how it lies in the crystal, and its holes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hyperspy_twin.properties import HoleParameters, QuantumWell
    from hyperspy_twin.signals.strain_map import StrainMap
    from hyperspy_twin.strain import StrainGradients


def find_well(strain: StrainMap, given: int | QuantumWell | None, system: str) -> QuantumWell:
    """Well that is given, or the one region of a map that is of a material.

    Raises
    ------
    ValueError
        If there is no such region, or more than one.
    """
    from hyperspy_twin.properties import QuantumWell

    present = sorted(int(n) for n in np.unique(strain._labels) if n > 0)
    if given is None:
        fitting = [
            number
            for number, phase in strain._oriented_phases().items()
            if not isinstance(phase, str) and set(phase.crystal.elements) == {system}
        ]
        if len(fitting) != 1:
            found = ", ".join(map(str, sorted(fitting))) or "none"
            raise ValueError(
                f"which region is the well? Of {system} are: {found}. Give well=, one of "
                f"{', '.join(map(str, present))}"
            )
        return QuantumWell(fitting[0])
    one = given if isinstance(given, QuantumWell) else QuantumWell(int(given))
    if one.region not in present:
        raise ValueError(
            f"there is no region {one.region} in this map: well= is one of "
            f"{', '.join(map(str, present))}"
        )
    return one


def growth_angle(strain: StrainMap, interface: tuple[int, int] | None) -> float:
    """Direction across the layers in degrees above x, along the crystal where that is known."""
    from hyperspy_twin.strain import find_growth_direction

    normal = strain._find_interface(interface)
    try:
        return find_growth_direction(strain._reference_phase(), normal)[1]
    except ValueError:  # no phase of the reference: the outline alone tells it
        return float(np.degrees(np.arctan2(-normal[1], normal[0])))


def find_beam(
    strain: StrainMap, given: str | None, interface: tuple[int, int] | None
) -> tuple[str, float]:
    """Direction of the beam by name, and that of the growth in degrees above x."""
    from hyperspy_twin.properties import beam_of
    from hyperspy_twin.strain import find_growth_direction

    if given is not None:
        return given, growth_angle(strain, interface)
    oriented = strain._reference_phase()
    growth, angle = find_growth_direction(oriented, strain._find_interface(interface))
    return beam_of(oriented.orientation.T @ np.array([0.0, 0.0, 1.0]), growth), angle


def find_splitting(
    gradients: StrainGradients, well: QuantumWell, parameters: HoleParameters
) -> tuple[float, float, float]:
    """Thickness of a well in nm, its splitting in eV, and the standard error of that.

    The error is that of the mean strain; 0 where the splitting is given or that is not known.
    """
    from hyperspy_twin.properties import strain_splitting, subband_splitting

    thickness = gradients.height() if well.thickness is None else float(well.thickness)
    if well.splitting is not None:
        return thickness, float(well.splitting), 0.0
    parallel, across, error = gradients.mean_strains()
    strained = strain_splitting(parameters, parallel, across)
    splitting = subband_splitting(parameters, thickness, strained)
    return thickness, splitting, abs(2.0 * parameters.b) * error
