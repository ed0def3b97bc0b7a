"""Cross-sections of ionisation edges, from exspy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal

TEM = "Acquisition_instrument.TEM"
# Shells in the order of their energy. The L edges of the hydrogenic model hold all three subshells.
SHELLS = {"hydrogenic": ("K", "L3")}
TABULATED = ("K", "L3", "L2", "L1", "M5", "M4", "M3", "M2", "N5", "N4")


class Optics(NamedTuple):
    """Energy of the electrons in keV, and the semi-angles of convergence and collection in mrad."""

    beam_energy: float
    convergence: float
    collection: float


def optics_of(signal: BaseSignal) -> Optics:
    """Optics that a spectrum image was recorded with.

    Raises
    ------
    ValueError
        If the metadata do not hold them.
    """
    items = {
        "beam_energy": (f"{TEM}.beam_energy", "keV"),
        "convergence_angle": (f"{TEM}.convergence_angle", "semi-angle in mrad"),
        "collection_angle": (f"{TEM}.Detector.EELS.collection_angle", "semi-angle in mrad"),
    }
    values = [signal.metadata.get_item(path) for path, _ in items.values()]
    missing = [
        f"{name} ({unit}: metadata.{path})"
        for (name, (path, unit)), value in zip(items.items(), values, strict=True)
        if value is None or not float(value) > 0
    ]
    if missing:
        raise ValueError(
            f"cross-sections need {', '.join(missing)}: set them with "
            "si.set_microscope_parameters(beam_energy=..., convergence_angle=..., "
            "collection_angle=...)"
        )
    return Optics(*map(float, values))


def find_edges(
    elements: Sequence[str], energies: np.ndarray, gos: str = "hydrogenic"
) -> dict[str, list[str]]:
    """Edges of each element whose onsets lie within the energies of a spectrum.

    Parameters
    ----------
    elements
        Symbols.
    energies
        Of the channels in eV.
    gos
        Source of the cross-sections, as exspy names it.

    Raises
    ------
    ValueError
        If an element has no edge there, or none that the source knows.
    """
    from exspy.material import elements as known

    low, high = float(energies[0]), float(energies[-1])
    found: dict[str, list[str]] = {}
    for element in elements:
        bound = known[element].Atomic_properties.Binding_energies.as_dictionary()
        onsets = {shell: one["onset_energy (eV)"] for shell, one in bound.items()}
        inside = [shell for shell, onset in onsets.items() if low < onset < high]
        shells = [shell for shell in SHELLS.get(gos, TABULATED) if shell in inside]
        if not inside:
            listed = ", ".join(f"{shell} {onset:g}" for shell, onset in onsets.items())
            raise ValueError(
                f"{element} has no edge between {low:g} and {high:g} eV (its edges: {listed} eV): "
                "leave it out, or record it"
            )
        if not shells:
            raise ValueError(
                f"the {gos} cross-sections have K and L edges only, and {element} has "
                f"{', '.join(inside)} between {low:g} and {high:g} eV: choose gos='dft' or "
                "'dirac', which exspy loads from Zenodo, or map the intensity alone with "
                "ht.composition.edge_intensity(...)"
            )
        found[element] = [f"{element}_{shell}" for shell in shells]
    return found


def onset_of(edge: str) -> float:
    """Onset of an edge such as ``"La_M5"`` in eV.

    Raises
    ------
    ValueError
        If there is no such edge.
    """
    from exspy.material import elements as known

    element, _, shell = edge.partition("_")
    item = (
        known.get_item(f"{element}.Atomic_properties.Binding_energies.{shell}") if shell else None
    )
    if item is None:
        raise ValueError(f"there is no edge {edge!r}: name it as 'La_M5'")
    return float(item["onset_energy (eV)"])


def cross_section(
    edge: str, energies: np.ndarray, optics: Optics, gos: str = "hydrogenic"
) -> np.ndarray:
    """Cross-section of an edge into each channel in barn, shape (channels,).

    Parameters
    ----------
    edge
        Such as ``"Si_K"`` or ``"Ge_L3"``.
    energies
        Of the channels in eV, shape (channels,).
    optics
        What the electrons were recorded with.
    gos
        Source of the generalised oscillator strength, as exspy names it.

    References
    ----------
    R.F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, Springer (2011),
    section 3.6 and appendix B.
    """
    component = _component(edge, optics, gos)
    return component.function(np.asarray(energies, float)) * float(energies[1] - energies[0])


@lru_cache(maxsize=64)
def _component(edge: str, optics: Optics, gos: str) -> Any:
    from exspy.components import EELSCLEdge

    found = EELSCLEdge(edge, GOS=gos)
    found.set_microscope_parameters(*optics, 1.0)
    return found
