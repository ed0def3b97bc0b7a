from . import composition, data, phases
from .io import load
from .logging import set_log_level
from .signals import (
    AtomicModel,
    CompositionMap,
    IndexedFFT,
    Micrograph,
    SegmentedImage,
    StrainMap,
)

__version__: str

__all__ = [
    "AtomicModel",
    "CompositionMap",
    "IndexedFFT",
    "Micrograph",
    "SegmentedImage",
    "StrainMap",
    "composition",
    "data",
    "load",
    "phases",
    "set_log_level",
]
