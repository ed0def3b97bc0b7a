from .affine import forward
from .friedel_pairs import FoldedPeaks, fold_peaks, two_directions
from .hypotheses import FADING, Observed
from .thin_crystals import THIN, largest_gains, projected_gain, weigh_thin_crystal
from .twins import TWINNED, Twinned, twin_gains, weigh_twins
from .unknown_crystal import weigh_unknown_crystal
from .zone_evidence import DISTORTION_SD, FLAT_LOG_SCALE, ScalePrior, explain, log_scale_density

__all__ = [
    "DISTORTION_SD",
    "FADING",
    "FLAT_LOG_SCALE",
    "FoldedPeaks",
    "Observed",
    "THIN",
    "ScalePrior",
    "TWINNED",
    "Twinned",
    "explain",
    "fold_peaks",
    "forward",
    "largest_gains",
    "log_scale_density",
    "projected_gain",
    "twin_gains",
    "two_directions",
    "weigh_thin_crystal",
    "weigh_twins",
    "weigh_unknown_crystal",
]
