from . import network_input
from .candidates import candidates_at
from .cfar import detect_cfar, detect_profile
from .consensus import detect_consensus
from .measurement import measure_peaks
from .network import detect_network, find_network_maxima
from .noise_maxima import judge_by_power
from .unet import PeakUNet

__all__ = [
    "PeakUNet",
    "candidates_at",
    "detect_cfar",
    "detect_consensus",
    "detect_network",
    "detect_profile",
    "find_network_maxima",
    "judge_by_power",
    "measure_peaks",
    "network_input",
]
