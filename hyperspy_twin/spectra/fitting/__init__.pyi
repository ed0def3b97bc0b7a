from .peak_fit import Maxima, climb_to_maxima, fit_peaks
from .wave_fit import fit_weight

__all__ = ["Maxima", "climb_to_maxima", "fit_peaks", "fit_weight"]
