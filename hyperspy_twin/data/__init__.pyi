from .known_truth import Truth
from .samples import (
    amorphous_on_crystal,
    mismatched_nanowire,
    nanoparticles,
    sige_quantum_well,
    truth,
)

__all__ = [
    "Truth",
    "amorphous_on_crystal",
    "mismatched_nanowire",
    "nanoparticles",
    "sige_quantum_well",
    "truth",
]
