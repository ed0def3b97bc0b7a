from .alloying import (
    EXCHANGEABLE,
    Alloy,
    Sublattice,
    choose_sublattices,
    draw_elements_of_alloy,
    equal_runs,
    find_layers,
    layer_normal,
    share_sites,
)
from .beam_displacement import sample_nearest
from .faults import FaultedImage, PlanarFault
from .filling import FilledAtoms
from .joins import TwinPlane
from .model import AlongBeam, MeasuredLattice, build_model
from .neighbours import (
    LONGEST_STRETCH,
    Neighbours,
    compare_deformation,
    find_bonds,
    find_neighbours,
    longest_bonds,
    measure_bonds,
    measure_deformation,
)
from .passivation import find_hydrogen, missing_directions
from .selection import select_atoms
from .tables import COLUMNS, ERROR_COLUMNS, table_of

__all__ = [
    "LONGEST_STRETCH",
    "Alloy",
    "AlongBeam",
    "COLUMNS",
    "ERROR_COLUMNS",
    "EXCHANGEABLE",
    "FaultedImage",
    "FilledAtoms",
    "MeasuredLattice",
    "Neighbours",
    "PlanarFault",
    "Sublattice",
    "TwinPlane",
    "build_model",
    "choose_sublattices",
    "compare_deformation",
    "draw_elements_of_alloy",
    "equal_runs",
    "find_bonds",
    "find_hydrogen",
    "find_layers",
    "find_neighbours",
    "layer_normal",
    "longest_bonds",
    "measure_bonds",
    "measure_deformation",
    "missing_directions",
    "sample_nearest",
    "select_atoms",
    "share_sites",
    "table_of",
]
