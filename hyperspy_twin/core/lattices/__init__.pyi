from .integer_lattice import complete_basis, integer_row_basis
from .plane_lattice import (
    PlaneLattice,
    finer_lattices,
    finer_pair,
    fit_basis,
    normal_equations,
    reduce_basis,
    reduce_pair,
    reduce_plane,
)

__all__ = [
    "PlaneLattice",
    "complete_basis",
    "finer_lattices",
    "finer_pair",
    "fit_basis",
    "integer_row_basis",
    "normal_equations",
    "reduce_basis",
    "reduce_pair",
    "reduce_plane",
]
