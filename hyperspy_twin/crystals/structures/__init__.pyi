from . import catalogue, user_phases
from .cif import read_cif
from .conversion import are_several, as_candidates, as_crystal
from .optimade import query_structures
from .phase_list import PhaseList, space_group_name
from .space_group import number_of_space_group
from .symmetry import laue_rotations

__all__ = [
    "PhaseList",
    "are_several",
    "as_candidates",
    "as_crystal",
    "catalogue",
    "laue_rotations",
    "number_of_space_group",
    "query_structures",
    "read_cif",
    "space_group_name",
    "user_phases",
]
