from .atomic_model import AtomicModel
from .composition_map import CompositionMap
from .indexed_fft import IndexedFFT
from .micrograph import Micrograph
from .segmented_image import SegmentedImage
from .strain_map import StrainMap

__all__ = [
    "AtomicModel",
    "CompositionMap",
    "IndexedFFT",
    "Micrograph",
    "SegmentedImage",
    "StrainMap",
]
