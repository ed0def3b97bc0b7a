from .atomic_model import AtomicModel
from .indexed_fft import IndexedFFT
from .micrograph import Micrograph
from .segmented_image import SegmentedImage
from .strain_map import StrainMap

__all__ = ["AtomicModel", "IndexedFFT", "Micrograph", "SegmentedImage", "StrainMap"]
