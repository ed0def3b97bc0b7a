from .background import estimate_local_background, on_half_plane, wrap
from .crystallinity import NO_LATTICE, Crystallinity, RegionSpectrum
from .detection import PeakUNet, detect_cfar, detect_consensus, find_network_maxima, network_input
from .editing import edit_peaks
from .methods import METHODS, detectors_of, find_region_peaks
from .rings import Rings
from .transform import (
    WindowedRegion,
    inverse_spectrum,
    reciprocal_axes,
    region_amplitude,
    spectrum,
    windowed_region,
)
from .vacuum import name_vacuum

__all__ = [
    "METHODS",
    "NO_LATTICE",
    "Crystallinity",
    "PeakUNet",
    "RegionSpectrum",
    "Rings",
    "WindowedRegion",
    "detect_cfar",
    "detect_consensus",
    "detectors_of",
    "edit_peaks",
    "estimate_local_background",
    "find_network_maxima",
    "find_region_peaks",
    "inverse_spectrum",
    "name_vacuum",
    "network_input",
    "on_half_plane",
    "reciprocal_axes",
    "region_amplitude",
    "spectrum",
    "windowed_region",
    "wrap",
]
