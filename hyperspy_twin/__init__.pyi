from . import data, phases
from .io import load
from .logging import set_log_level
from .signals import AtomicModel, IndexedFFT, Micrograph, SegmentedImage, StrainMap

__version__: str

__all__ = [
    "AtomicModel",
    "IndexedFFT",
    "Micrograph",
    "SegmentedImage",
    "StrainMap",
    "data",
    "load",
    "phases",
    "set_log_level",
]
