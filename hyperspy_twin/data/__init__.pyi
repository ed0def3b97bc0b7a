from .known import Truth, truth
from .samples import (
    amorphous_on_crystal,
    mismatched_nanowire,
    nanoparticles,
    sige_quantum_well,
)

__all__ = [
    "Truth",
    "amorphous_on_crystal",
    "mismatched_nanowire",
    "nanoparticles",
    "sige_quantum_well",
    "truth",
]
