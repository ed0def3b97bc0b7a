from . import alloys, catalogue, user_phases
from .alloys import AlloyFamily, family_of, family_of_member
from .cif import read_cif
from .conversion import are_several, as_candidates, as_crystal
from .optimade import query_structures
from .phase_list import PhaseList, space_group_name
from .space_group import number_of_space_group
from .stiffness import CUBIC_STIFFNESS, alloy_stiffness
from .symmetry import laue_rotations

__all__ = [
    "CUBIC_STIFFNESS",
    "AlloyFamily",
    "PhaseList",
    "alloy_stiffness",
    "alloys",
    "are_several",
    "as_candidates",
    "as_crystal",
    "catalogue",
    "family_of",
    "family_of_member",
    "laue_rotations",
    "number_of_space_group",
    "query_structures",
    "read_cif",
    "space_group_name",
    "user_phases",
]
