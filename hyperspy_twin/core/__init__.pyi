from .calibration import Calibration
from .constants import (
    ANGSTROM_PER_NM,
    DEVIATION_PER_MEDIAN,
    HAADF_EXPONENT,
    SHORTEST_SPACING,
    UNITS_PER_CUBIC_ANGSTROM,
)
from .crystal import Crystal, chemical_symbol
from .grid import Grid
from .hashing import content_hash
from .kernels import inlined, kernel, run_in_parts
from .lattices import (
    PlaneLattice,
    complete_basis,
    finer_lattices,
    finer_pair,
    fit_basis,
    integer_row_basis,
    normal_equations,
    reduce_basis,
    reduce_pair,
    reduce_plane,
)
from .occupancy import LARGEST_EXCESS, Sites, draw_elements, merge_sites
from .oriented_crystal import OrientedCrystal
from .outlines import Outlines, adjacent_regions, contains, rasterise, trace
from .packing import place_apart
from .peaks import Peaks
from .placement import Placement
from .progress import begin_step, count_steps, listen_to_steps
from .registered_lattice import RegisteredLattice
from .strain_field import Definition, GradientNoise, PhaseInvariants, StrainField
from .table import Table, counted, html_table, text_table, two_digits, with_error
from .windows import region_window

__all__ = [
    "ANGSTROM_PER_NM",
    "DEVIATION_PER_MEDIAN",
    "HAADF_EXPONENT",
    "LARGEST_EXCESS",
    "SHORTEST_SPACING",
    "UNITS_PER_CUBIC_ANGSTROM",
    "Calibration",
    "Crystal",
    "Definition",
    "GradientNoise",
    "PhaseInvariants",
    "Grid",
    "OrientedCrystal",
    "Outlines",
    "Peaks",
    "Placement",
    "PlaneLattice",
    "RegisteredLattice",
    "Sites",
    "StrainField",
    "Table",
    "adjacent_regions",
    "begin_step",
    "chemical_symbol",
    "complete_basis",
    "contains",
    "content_hash",
    "count_steps",
    "counted",
    "draw_elements",
    "finer_lattices",
    "finer_pair",
    "fit_basis",
    "html_table",
    "inlined",
    "integer_row_basis",
    "kernel",
    "listen_to_steps",
    "merge_sites",
    "normal_equations",
    "place_apart",
    "rasterise",
    "reduce_basis",
    "reduce_pair",
    "reduce_plane",
    "region_window",
    "run_in_parts",
    "text_table",
    "trace",
    "two_digits",
    "with_error",
]
