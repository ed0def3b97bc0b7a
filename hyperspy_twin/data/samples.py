"""Sample micrographs as HyperSpy signals."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from hyperspy_twin.data.amorphous_layer import build_amorphous_layer
from hyperspy_twin.data.known_truth import Truth
from hyperspy_twin.data.metal_particles import build_particles
from hyperspy_twin.data.nanowire import build_nanowire
from hyperspy_twin.data.quantum_well import build_quantum_well
from hyperspy_twin.simulation import Microscope, Scan, record_image

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

# Title and builder of each sample.
SAMPLES: dict[str, tuple[str, Callable[..., Truth]]] = {
    "sige_quantum_well": ("Ge quantum well in SiGe", build_quantum_well),
    "nanoparticles": ("Metal nanoparticles on carbon", build_particles),
    "amorphous_on_crystal": ("Amorphous layer on Si", build_amorphous_layer),
    "mismatched_nanowire": ("InSb on InP nanowire", build_nanowire),
}
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _show_scan(function: _Function) -> _Function:
    """Show the arguments of the scan, with their defaults, in the signature of a sample."""
    shown = inspect.signature(function)
    scan = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(Scan).parameters.values()
    ]
    own = [one for one in shown.parameters.values() if one.name != "scan"]
    function.__signature__ = shown.replace(parameters=scan + own)  # type: ignore[attr-defined]
    return function


@_show_scan
def sige_quantum_well(
    *,
    germanium_fraction: float = 0.7,
    well_thickness: float = 16.0,
    thickness: float = 5.0,
    **scan: Any,
) -> Signal2D:
    """HAADF image of a strained germanium quantum well between SiGe barriers, along [110].

    Growth [001] is upwards, [1-10] to the right. The well takes the in-plane lattice of the
    barriers and stretches along the growth direction by bulk elasticity; silicon and germanium
    occupy the barriers at random. The strain's reference is the lower barrier.

    Parameters
    ----------
    germanium_fraction
        Atomic fraction of germanium in the barriers.
    well_thickness
        In nm, rounded to whole atomic planes.
    thickness
        Of the foil, in nm.
    **scan
        Attributes of :class:`hyperspy_twin.simulation.Scan`, such as ``shape`` and ``seed``.

    Returns
    -------
    hyperspy.api.signals.Signal2D
        Of type ``Micrograph``: counted electrons; labelled 1 to 3 from the top.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    J.P. Dismukes, L. Ekstrom, R.J. Paff, J. Phys. Chem. 68 (1964) 3021.
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    """
    return _micrograph(
        "sige_quantum_well",
        scan,
        germanium_fraction=germanium_fraction,
        well_thickness=well_thickness,
        thickness=thickness,
    )


@_show_scan
def nanoparticles(
    *,
    number: int = 6,
    diameter: float = 7.0,
    metals: tuple[str, ...] = ("Au", "Au", "Pd"),
    film_thickness: float = 3.0,
    **scan: Any,
) -> Signal2D:
    """HAADF image of faceted metal particles on an amorphous carbon film.

    The particles do not touch; they look down [110], [001], [111], [110], [110] and, the sixth,
    down no low-index zone axis, in turn, each rotated at random in the plane and within a few
    mrad of its zone axis. All are unstrained relative to their own metal.

    Parameters
    ----------
    number
        Of particles; they are labelled 1 to ``number``, the film is ``number + 1``.
    diameter
        Mean distance of opposite {100} facets in nm; each particle is within 15 % of it.
    metals
        Elements of the particles, in turn: Au, Ag, Pt or Pd.
    film_thickness
        In nm.
    **scan
        Attributes of :class:`hyperspy_twin.simulation.Scan`, such as ``shape`` and ``seed``.

    Returns
    -------
    hyperspy.api.signals.Signal2D
        Of type ``Micrograph``: counted electrons; labelled as above.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    L.D. Marks, Rep. Prog. Phys. 57 (1994) 603.
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    """
    return _micrograph(
        "nanoparticles",
        scan,
        number=number,
        diameter=diameter,
        metals=metals,
        film_thickness=film_thickness,
    )


@_show_scan
def amorphous_on_crystal(
    *,
    layer: str = "SiO2",
    layer_thickness: float = 14.0,
    thickness: float = 5.0,
    **scan: Any,
) -> Signal2D:
    """HAADF image of an amorphous layer on silicon along [110], with vacuum above.

    The amorphous layer is a random sequential packing of the right density and smallest
    distance, not a relaxed network.

    Parameters
    ----------
    layer
        Amorphous material: "SiO2", "Ge" or "C".
    layer_thickness
        In nm.
    thickness
        Of the foil, in nm.
    **scan
        Attributes of :class:`hyperspy_twin.simulation.Scan`, such as ``shape`` and ``seed``.

    Returns
    -------
    hyperspy.api.signals.Signal2D
        Of type ``Micrograph``: counted electrons; labelled 0 vacuum, 1 layer, 2 crystal.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    B. Widom, J. Chem. Phys. 44 (1966) 3888.
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    """
    options = {"layer": layer, "layer_thickness": layer_thickness, "thickness": thickness}
    return _micrograph("amorphous_on_crystal", scan, **options)


@_show_scan
def mismatched_nanowire(
    *, wire_width: float = 28.0, thickness: float = 5.0, **scan: Any
) -> Signal2D:
    """HAADF image of InSb grown on InP in a nanowire, relaxed by misfit dislocations.

    Misfit 10.4 %, seen along [110], growth [001] upwards. An array of Lomer (90 degree edge)
    dislocations at the interface, each at the end of a column of InP, relaxes both lattices
    completely far from it; displacements are those of isotropic elasticity in an infinite body.
    The strain's reference is InP, so InSb is 0.104 along both axes far from the interface.

    Parameters
    ----------
    wire_width
        In nm; vacuum on both sides.
    thickness
        Of the lamella, in nm.
    **scan
        Attributes of :class:`hyperspy_twin.simulation.Scan`, such as ``shape`` and ``seed``.

    Returns
    -------
    hyperspy.api.signals.Signal2D
        Of type ``Micrograph``: counted electrons; labelled 0 vacuum, 1 InSb, 2 InP.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    J.P. Hirth, J. Lothe, Theory of Dislocations, Wiley (1982), chapters 3 and 19.
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    """
    return _micrograph("mismatched_nanowire", scan, wire_width=wire_width, thickness=thickness)


def _micrograph(name: str, frame: Mapping[str, object], **sample: object) -> Signal2D:
    from ase.data import chemical_symbols
    from hyperspy.signals import Signal2D

    from hyperspy_twin.io import calibration_of, write_calibration

    scan, sample = split_arguments(json.loads(json.dumps({**frame, **sample}, default=_plain)))
    arguments = asdict(scan) | sample
    known = truth(name, arguments)
    microscope = Microscope()
    counts = record_image(known.positions, known.numbers, scan=scan, microscope=microscope)
    axes = [
        {"name": axis, "size": size, "scale": scan.pixel_size, "offset": 0.0, "units": "nm"}
        for axis, size in zip("yx", counts.shape, strict=True)
    ]
    signal = Signal2D(counts, axes=axes)
    signal.metadata.General.title = SAMPLES[name][0]
    signal.metadata.set_item("Signal.quantity", "Electrons (Counts)")
    elements = sorted(chemical_symbols[number] for number in np.unique(known.numbers))
    signal.metadata.set_item("Sample.elements", elements)
    instrument = "Acquisition_instrument.TEM."
    signal.metadata.set_item(instrument + "beam_energy", microscope.beam_energy)
    signal.metadata.set_item(instrument + "convergence_angle", microscope.convergence)
    signal.metadata.set_item(instrument + "acquisition_mode", "STEM")
    signal.metadata.set_item("Twin.sample", json.dumps({"name": name, "arguments": arguments}))
    signal.set_signal_type("Micrograph")
    size = scan.pixel_size, scan.pixel_size
    exact = replace(calibration_of(size, f"the sample {name}"), pixel_size_error=(0.0, 0.0))
    write_calibration(signal, exact)
    return signal


def truth(name: str, arguments: Mapping[str, object]) -> Truth:
    """Build what is in a sample micrograph, anew from how it was made.

    Parameters
    ----------
    name
        Name of the function of :mod:`hyperspy_twin.data` that made the micrograph.
    arguments
        Its arguments, as kept in ``metadata.Twin.sample``; those of the scan have defaults.

    Returns
    -------
    Truth
        The same object for the same arguments, with read-only arrays.

    Raises
    ------
    ValueError
        If there is no such sample, or an argument is out of range.
    TypeError
        If an argument is missing or unknown.
    """
    if name not in SAMPLES:
        raise ValueError(f"there is no sample {name!r}; choose from {sorted(SAMPLES)}.")
    return _cached_truth(name, json.dumps(dict(arguments), sort_keys=True))


@lru_cache(maxsize=4)
def _cached_truth(name: str, arguments: str) -> Truth:
    scan, sample = split_arguments(json.loads(arguments))
    return SAMPLES[name][1](scan, **sample)


def split_arguments(arguments: Mapping[str, object]) -> tuple[Scan, dict[str, object]]:
    """Separate how a micrograph is recorded from what is recorded."""
    sample: dict[str, Any] = dict(arguments)
    scan: dict[str, Any] = {}
    for name in sample.keys() & {field.name for field in fields(Scan)}:
        value = sample.pop(name)
        scan[name] = tuple(value) if isinstance(value, list) else value
    return Scan(**scan), sample


def _plain(value: Any) -> Any:
    """Plain numbers of NumPy's, for JSON."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"arguments must be numbers, texts or tuples of them, not {type(value)}.")
