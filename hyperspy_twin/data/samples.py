"""Sample micrographs as HyperSpy signals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.data.known import split_arguments, truth
from hyperspy_twin.simulation.imaging import record
from hyperspy_twin.simulation.scattering import Microscope

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D


def sige_quantum_well(
    *,
    shape: tuple[int, int] = (1024, 1024),
    pixel_size: float = 0.036,
    dose: float = 3e4,
    scan_jitter: float = 0.003,
    drift: tuple[float, float] = (0.0, 0.0),
    tilt: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
    germanium_fraction: float = 0.7,
    well_thickness: float = 16.0,
    thickness: float = 5.0,
) -> Signal2D:
    """HAADF image of a strained germanium quantum well between SiGe barriers, along [110].

    Growth [001] is upwards, [1-10] to the right. The well takes the in-plane lattice of the
    barriers and stretches along the growth direction by bulk elasticity; silicon and germanium
    occupy the barriers at random. The strain's reference is the lower barrier.

    Parameters
    ----------
    shape
        Rows and columns.
    pixel_size
        In nm.
    dose
        Electrons per square Angstrom.
    scan_jitter
        Root-mean-square displacement of the scan lines along x in nm; half of it along y.
    drift
        Displacement (x, y) of the sample during the frame, in nm.
    tilt
        Tilt (x, y) of the sample out of the beam direction, in mrad.
    seed
        Of the random occupation, scan lines and electron counts.
    germanium_fraction
        Atomic fraction of germanium in the barriers.
    well_thickness
        In nm, rounded to whole atomic planes.
    thickness
        Of the foil, in nm.

    Returns
    -------
    hyperspy.api.signals.Signal2D
        Signal of type ``Micrograph``: counted electrons, shape (rows, columns).

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    J.P. Dismukes, L. Ekstrom, R.J. Paff, J. Phys. Chem. 68 (1964) 3021.
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    """
    return _micrograph("sige_quantum_well", "Ge quantum well in SiGe", **locals())


def nanoparticles(
    *,
    shape: tuple[int, int] = (1024, 1024),
    pixel_size: float = 0.036,
    dose: float = 3e4,
    scan_jitter: float = 0.003,
    drift: tuple[float, float] = (0.0, 0.0),
    tilt: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
    number: int = 6,
    diameter: float = 7.0,
    metals: tuple[str, ...] = ("Au", "Au", "Pd"),
    film_thickness: float = 3.0,
) -> Signal2D:
    """HAADF image of faceted metal particles on an amorphous carbon film.

    The particles do not touch; they look down [110], [001], [111], [110], [110] and, the sixth,
    down no low-index zone axis, in turn, each rotated at random in the plane and within a few
    mrad of its zone axis. All are unstrained relative to their own metal.

    Parameters
    ----------
    shape
        Rows and columns.
    pixel_size
        In nm.
    dose
        Electrons per square Angstrom.
    scan_jitter
        Root-mean-square displacement of the scan lines along x in nm; half of it along y.
    drift
        Displacement (x, y) of the sample during the frame, in nm.
    tilt
        Tilt (x, y) of the sample out of the beam direction, in mrad.
    seed
        Of the placing, film, scan lines and electron counts.
    number
        Of particles; they are labelled 1 to ``number``, the film is ``number + 1``.
    diameter
        Mean distance of opposite {100} facets in nm; each particle is within 15 % of it.
    metals
        Elements of the particles, in turn: Au, Ag, Pt or Pd.
    film_thickness
        In nm.

    Returns
    -------
    hyperspy.api.signals.Signal2D
        Signal of type ``Micrograph``: counted electrons, shape (rows, columns).

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    L.D. Marks, Rep. Prog. Phys. 57 (1994) 603.
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    """
    return _micrograph("nanoparticles", "Metal nanoparticles on carbon", **locals())


def amorphous_on_crystal(
    *,
    shape: tuple[int, int] = (1024, 1024),
    pixel_size: float = 0.036,
    dose: float = 3e4,
    scan_jitter: float = 0.003,
    drift: tuple[float, float] = (0.0, 0.0),
    tilt: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
    layer: str = "SiO2",
    layer_thickness: float = 14.0,
    thickness: float = 5.0,
) -> Signal2D:
    """HAADF image of an amorphous layer on silicon along [110], with vacuum above.

    The amorphous layer is a random sequential packing of the right density and smallest
    distance, not a relaxed network. Labels: 0 vacuum, 1 layer, 2 crystal.

    Parameters
    ----------
    shape
        Rows and columns.
    pixel_size
        In nm.
    dose
        Electrons per square Angstrom.
    scan_jitter
        Root-mean-square displacement of the scan lines along x in nm; half of it along y.
    drift
        Displacement (x, y) of the sample during the frame, in nm.
    tilt
        Tilt (x, y) of the sample out of the beam direction, in mrad.
    seed
        Of the packing, scan lines and electron counts.
    layer
        Amorphous material: "SiO2", "Ge" or "C".
    layer_thickness
        In nm.
    thickness
        Of the foil, in nm.

    Returns
    -------
    hyperspy.api.signals.Signal2D
        Signal of type ``Micrograph``: counted electrons, shape (rows, columns).

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    B. Widom, J. Chem. Phys. 44 (1966) 3888.
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    """
    return _micrograph("amorphous_on_crystal", "Amorphous layer on Si", **locals())


def mismatched_nanowire(
    *,
    shape: tuple[int, int] = (1024, 1024),
    pixel_size: float = 0.036,
    dose: float = 3e4,
    scan_jitter: float = 0.003,
    drift: tuple[float, float] = (0.0, 0.0),
    tilt: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
    wire_width: float = 28.0,
    thickness: float = 5.0,
) -> Signal2D:
    """HAADF image of InSb grown on InP in a nanowire, relaxed by misfit dislocations.

    Misfit 10.4 %, seen along [110], growth [001] upwards. An array of Lomer (90 degree edge)
    dislocations at the interface, each at the end of a column of InP, relaxes both lattices
    completely far from it; displacements are those of isotropic elasticity in an infinite body.
    The strain's reference is InP, so InSb is 0.104 along both axes far from the interface.

    Parameters
    ----------
    shape
        Rows and columns.
    pixel_size
        In nm.
    dose
        Electrons per square Angstrom.
    scan_jitter
        Root-mean-square displacement of the scan lines along x in nm; half of it along y.
    drift
        Displacement (x, y) of the sample during the frame, in nm.
    tilt
        Tilt (x, y) of the sample out of the beam direction, in mrad.
    seed
        Of the scan lines and electron counts.
    wire_width
        In nm; vacuum on both sides.
    thickness
        Of the lamella, in nm.

    Returns
    -------
    hyperspy.api.signals.Signal2D
        Signal of type ``Micrograph``: counted electrons, shape (rows, columns).

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    J.P. Hirth, J. Lothe, Theory of Dislocations, Wiley (1982), chapters 3 and 19.
    S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14.
    """
    return _micrograph("mismatched_nanowire", "InSb on InP nanowire", **locals())


def _micrograph(name: str, title: str, **arguments: Any) -> Signal2D:
    from ase.data import chemical_symbols
    from hyperspy.signals import Signal2D

    from hyperspy_twin.io.axes import write_calibration
    from hyperspy_twin.io.calibration import calibration_of

    kept = json.loads(json.dumps(arguments, default=_plain))
    sample = truth(name, kept)
    microscope = Microscope()
    scan, _ = split_arguments(kept)
    counts = record(sample.positions, sample.numbers, scan, microscope)
    axes = [
        {"name": axis, "size": size, "scale": scan.pixel_size, "offset": 0.0, "units": "nm"}
        for axis, size in zip("yx", counts.shape, strict=True)
    ]
    signal = Signal2D(counts, axes=axes)
    signal.metadata.General.title = title
    signal.metadata.set_item("Signal.quantity", "Electrons (Counts)")
    elements = sorted(chemical_symbols[number] for number in np.unique(sample.numbers))
    signal.metadata.set_item("Sample.elements", elements)
    instrument = "Acquisition_instrument.TEM."
    signal.metadata.set_item(instrument + "beam_energy", microscope.beam_energy)
    signal.metadata.set_item(instrument + "convergence_angle", microscope.convergence)
    signal.metadata.set_item(instrument + "acquisition_mode", "STEM")
    signal.metadata.set_item("Twin.sample", json.dumps({"name": name, "arguments": kept}))
    signal.set_signal_type("Micrograph")
    calibration = calibration_of((scan.pixel_size, scan.pixel_size), f"the sample {name}")
    write_calibration(signal, calibration)
    return signal


def _plain(value: Any) -> Any:
    """Plain numbers of NumPy's, for JSON."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"arguments must be numbers, texts or tuples of them, not {type(value)}.")
