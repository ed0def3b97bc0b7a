from .elasticity import elastic_constants
from .relax import Mode, Relaxation, relax_atoms
from .statistics import summarise_displacements

__all__ = [
    "Mode",
    "Relaxation",
    "elastic_constants",
    "relax_atoms",
    "summarise_displacements",
]
