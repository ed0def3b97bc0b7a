from .known_truth import Truth
from .samples import (
    amorphous_on_crystal,
    mismatched_nanowire,
    nanoparticles,
    sige_quantum_well,
    truth,
)
from .spectrum_image import germanium_truth, sige_low_loss, sige_spectrum_image

__all__ = [
    "Truth",
    "amorphous_on_crystal",
    "germanium_truth",
    "mismatched_nanowire",
    "nanoparticles",
    "sige_low_loss",
    "sige_quantum_well",
    "sige_spectrum_image",
    "truth",
]
