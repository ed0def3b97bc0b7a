from . import data, phases
from .io import load
from .logging import set_log_level
from .signals.atomic_model import AtomicModel
from .signals.indexed_fft import IndexedFFT
from .signals.micrograph import Micrograph
from .signals.segmented_image import SegmentedImage
from .signals.strain_map import StrainMap

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
