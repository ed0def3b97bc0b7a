"""Valence and conduction edges of parts of a model, from their local densities of states."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import find_objects, label

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.density_of_states.block_operator import LocalOperator
from hyperspy_twin.properties.density_of_states.density_of_groups import (
    DensitySettings,
    operator_window,
    vectors_at_once,
)
from hyperspy_twin.properties.density_of_states.hamiltonian_of_model import ModelHamiltonian
from hyperspy_twin.properties.kernel_polynomials import (
    EnergyWindow,
    RecursionSettings,
    SmoothedStates,
    chebyshev_moments,
    gaussian_moments,
    smoothed_states,
)

# States per eV and atom that count as none: a fifth of one subband of heavy holes in 10 nm of
# germanium, and a hundred times what the cut series and 32 bits leave in a gap.
NO_DENSITY = 1e-4
# States of the whole model within the kernel that count as none: it sees its outermost state
# from two standard deviations.
NO_STATE = 0.1
# Part of the largest density of any part at the same energy below which a state only reaches in:
# heavy holes of a well of Ge in SiGe fall to it within 1 nm of the wall.
REACHING_IN = 0.2
# States per atom by which the filling of a gap may differ from that of its bonds: parts exchange
# less than 0.2 electrons per atom, and the other gap of these crystals, of compounds, is 3 away.
FILLING = 0.5
EDGES_OF_GAP = ("valence", "conduction")


@dataclass(frozen=True, eq=False)
class LocalEdges:
    """Edges of parts of a model in eV.

    Attributes
    ----------
    valence, conduction
        Highest filled and lowest empty energy of each part, shape (parts,).
    valence_error, conduction_error
        Standard errors, shape (parts,): of the random vectors, and the spread of the states that
        the edge is read from, which the resolution does not tell apart.
    gap
        Energies between which no part of the model has states.
    """

    valence: np.ndarray
    conduction: np.ndarray
    valence_error: np.ndarray
    conduction_error: np.ndarray
    gap: tuple[float, float]


def local_edges(
    hamiltonian: ModelHamiltonian, labels: np.ndarray, groups: int, settings: DensitySettings
) -> LocalEdges:
    """Find the edges of all parts of a model beside its gap.

    Random vectors start on one part each, so that what is seen in the gap of a part are its own
    states; vectors of the whole model leave noise there. A part has states where it holds a fifth
    of the density of the part that has most: what reaches in from elsewhere does not count.

    Parameters
    ----------
    hamiltonian
        Of the model.
    labels
        Part of each atom from 0 on, or -1, shape (n,).
    groups
        Number of parts; those without atoms have NaN.
    settings
        How they are found: the vectors are those of each part.

    Raises
    ------
    ValueError
        If the model is metallic: it has states at the energy up to which its bonds are filled.
    MemoryError
        If the vectors do not fit into the memory.
    """
    present, compact = np.unique(labels[labels >= 0], return_inverse=True)
    parts = np.full(len(labels), -1)
    parts[labels >= 0] = compact
    operator = LocalOperator(hamiltonian, parts, len(present))
    begin_step("ends of the spectrum")
    window = operator_window(operator)
    vectors = settings.vectors * len(present)
    plan = RecursionSettings(
        gaussian_moments(settings.resolution, window),
        vectors,
        block=vectors_at_once(hamiltonian, replace(settings, vectors=vectors)),
        seed=settings.seed,
        checkpoint=settings.checkpoint,
    )
    moments = operator.of_parts(chebyshev_moments(operator, window, plan))
    atoms = np.bincount(compact)
    bonds = np.bincount(compact, hamiltonian.bond_count[labels >= 0])
    reader = _Reader(window, settings.resolution, atoms, bonds)
    values = reader.edges(moments.mean(axis=1))
    # Jackknife over the vectors: the edge is no linear function of the moments.
    others = [
        reader.edges(np.delete(moments, one, axis=1).mean(axis=1), values.gap)
        for one in range(settings.vectors)
    ]

    def of_groups(name: str) -> tuple[np.ndarray, np.ndarray]:
        """Edges of all groups, and their errors."""
        drawn = np.array([getattr(one, name) for one in others])
        noise = np.sqrt((settings.vectors - 1) * drawn.var(axis=0))
        found = np.full((2, groups), np.nan)
        found[0, present] = getattr(values, name)
        found[1, present] = np.hypot(noise, getattr(values, f"{name}_error"))
        return found[0], found[1]

    (valence, valence_error), (conduction, conduction_error) = map(of_groups, EDGES_OF_GAP)
    return LocalEdges(valence, conduction, valence_error, conduction_error, values.gap)


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads edges off moments of parts with these numbers of atoms and of ends of bonds."""

    window: EnergyWindow
    resolution: float
    atoms: np.ndarray
    bonds: np.ndarray

    def edges(self, moments: np.ndarray, gap: tuple[float, float] | None = None) -> LocalEdges:
        """Edges by moments (parts, count), and the spread of their states as errors."""
        smooth = smoothed_states(moments, self.window, self.resolution)
        density = smooth.density / self.atoms[:, None]
        kernel = self.resolution * np.sqrt(np.pi / np.log(16.0))  # area over height
        floor = max(NO_DENSITY, NO_STATE / (kernel * self.atoms.sum()))
        least = np.maximum(floor, REACHING_IN * density.max(axis=0))
        if gap is None:
            gap = self._gap(smooth, smooth.density.sum(axis=0) / self.atoms.sum() < floor)
        # Energies fall with the nodes: the valence band starts at its first one.
        valence = (density >= least) & (smooth.energies <= gap[0])
        conduction = (density >= least) & (smooth.energies >= gap[1])
        last = density.shape[1] - 1 - np.argmax(conduction[:, ::-1], axis=1)
        places = np.array([np.argmax(valence, axis=1), last])
        part = np.arange(len(density))
        mean, spread = smooth.mean[part, places], smooth.spread[part, places]
        return LocalEdges(mean[0], mean[1], spread[0], spread[1], gap)

    def _gap(self, smooth: SmoothedStates, empty: np.ndarray) -> tuple[float, float]:
        """Widest range without states whose filling is that of the bonds."""
        below = smooth.below.sum(axis=0) / self.atoms.sum()
        filled = self.bonds.sum() / self.atoms.sum()
        inside = empty & (np.abs(below - filled) < FILLING)
        ranges = [smooth.energies[one] for one in find_objects(label(inside)[0])]
        if not ranges:
            raise self._metal(smooth, filled, below)
        widest = max(ranges, key=np.ptp)
        return float(widest[-1]), float(widest[0])

    def _metal(self, smooth: SmoothedStates, filled: float, below: np.ndarray) -> ValueError:
        """Error that says how dense the states are where a gap should be, and in which part."""
        place = int(np.argmin(np.abs(below - filled)))
        density = smooth.density[:, place] / self.atoms
        most = int(np.argmax(density))
        return ValueError(
            f"the model is metallic, and has no band edges: its bonds fill the bands up to about "
            f"{smooth.energies[place]:.2f} eV, where there are "
            f"{smooth.density[:, place].sum() / self.atoms.sum():.2g} states per eV and atom "
            f"(most in part {most} of {len(density)}, counted from 0: {density[most]:.2g}). "
            "electronic_dos() shows them: they are of broken or stretched bonds, or the "
            "resolution is wider than the gap"
        )
