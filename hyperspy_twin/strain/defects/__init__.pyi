from .block import Block, find_block
from .boundaries import GrainBoundary, find_boundaries
from .burgers import Translations
from .dislocations import Dislocations, find_dislocations
from .planar_faults import PlanarFaults, find_planar_faults

__all__ = [
    "Block",
    "Dislocations",
    "GrainBoundary",
    "PlanarFaults",
    "Translations",
    "find_block",
    "find_boundaries",
    "find_dislocations",
    "find_planar_faults",
]
