"""Wells of a strain map: which region, how it lies in the crystal, its holes and band edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.signals._alloys import cubic_alloy

if TYPE_CHECKING:
    from hyperspy.signals import Signal1D, Signal2D

    from hyperspy_twin.properties import HoleParameters, QuantumWell
    from hyperspy_twin.strain import StrainGradients

# Cosine of 10 degrees: within this the axis of the image is that of the layers.
ALONG = 0.985


def find_well(strain: Any, given: int | QuantumWell | None, system: str) -> QuantumWell:
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


def growth_angle(strain: Any, interface: tuple[int, int] | None) -> float:
    """Direction across the layers in degrees above x, along the crystal where that is known."""
    from hyperspy_twin.strain import find_growth_direction

    normal = strain._find_interface(interface)
    try:
        return find_growth_direction(strain._reference_phase(), normal)[1]
    except ValueError:  # no phase of the reference: the outline alone tells it
        return float(np.degrees(np.arctan2(-normal[1], normal[0])))


def find_beam(
    strain: Any, given: str | None, interface: tuple[int, int] | None
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


@dataclass(frozen=True, eq=False)
class EdgeProfile:
    """Band edges, composition and strain along a line, shape (9, n), with their errors."""

    distance: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    details: dict[str, Any]


def edges_across(
    strain: Any,
    composition: Signal2D,
    given: bool,
    substrate: float | str | None,
    interface: tuple[int, int] | None,
    width: float | None,
) -> EdgeProfile:
    """Band edges along the growth direction, through the middle of a map.

    A composition that is not ``given`` follows from the strain, and errs with it.
    """
    from hyperspy_twin.properties import LayerProfile, edges_of_layers
    from hyperspy_twin.strain import line_between

    family, alloy = cubic_alloy("SiGe")

    def relaxed(x: np.ndarray) -> np.ndarray:
        return np.interp(x, alloy.x, alloy.lattice_constant)

    x_map = np.asarray(composition.data, float)
    if x_map.shape != strain._grid.shape:
        raise ValueError(
            f"the composition has {x_map.shape} pixels and the strain {strain._grid.shape}: "
            "give one of the same pixels"
        )
    variance = composition.metadata.get_item("Signal.Noise_properties.variance")
    x_sigma = np.zeros_like(x_map) if variance is None else np.sqrt(np.asarray(variance.data))
    turned = strain.rotate_to(growth_angle(strain, interface) - 90.0)
    measured = turned._measured
    line = line_between(_through(strain, turned._settings.angle + 90.0), width, strain.resolution)
    maps = np.concatenate([measured.components, [x_map, x_sigma]])
    profile = measured.profile(line, np.isfinite(x_map), maps)
    kept = np.isfinite(profile.mean).all(axis=0)
    mean = profile.mean[:, kept]
    if profile.error is None:
        raise ValueError("the noise of this map is not known, and so no error: run gpa() again")
    error = profile.error[:, kept]
    # A composition that follows from the strain has its error from that of the strain.
    known = measured.sigmas[1] > 0.0
    own = np.nanmedian(x_sigma[known] / measured.sigmas[1][known])
    slope = np.full(len(mean[0]), 0.0 if given else float(own))
    layers = LayerProfile(
        x=mean[4],
        x_error=mean[5] if given else np.zeros_like(mean[5]),
        x_slope=slope,
        parallel=mean[0],
        perpendicular=mean[1],
        parallel_error=error[0],
        perpendicular_error=error[1],
    )
    reference, _ = strain._substrate(family, substrate)
    edges, errors = edges_of_layers(layers, reference, relaxed)
    ratio = reference / relaxed(layers.x)
    strains = [ratio * (1.0 + one) - 1.0 for one in mean[:2]]
    x_error = np.hypot(layers.x_error, slope * error[1])
    details = {
        "start": list(line.origin),
        "direction": list(line.direction),
        "width": line.width,
        "substrate": reference,
        "composition": composition.metadata.General.title,
    }
    return EdgeProfile(
        profile.distance[kept],
        np.concatenate([edges, [layers.x], strains]),
        np.concatenate([errors, [x_error], error[:2]]),
        details,
    )


def points_along(states: Signal1D, edges: Signal1D) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distances, edges and errors of a model's band edges, on the line of those of its map."""
    line, axis = edges.metadata.Profile, "xy".index(states.metadata.Profile.along)
    slope = float(line.direction[axis])
    if abs(slope) < ALONG:
        raise ValueError(
            f"the edges of the model are along {states.metadata.Profile.along}, which is not the "
            "direction of growth: call model.band_edges(along=...) with the other axis"
        )
    places = states.axes_manager.signal_axes[0].axis
    errors = np.sqrt(states.metadata.Signal.Noise_properties.variance.data)
    return (places - line.start[axis]) / slope, states.data, errors


def _through(strain: Any, angle: float) -> np.ndarray:
    """Find the ends of a line through the middle of a map, down the growth direction."""
    grid = strain._grid
    middle = np.array([grid.x.mean(), grid.y.mean()])
    direction = np.array([-np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    with np.errstate(divide="ignore"):
        reach = np.min(np.array(grid.extent) / 2.0 / np.abs(direction))
    return middle + np.outer([-1.0, 1.0], reach * direction)
