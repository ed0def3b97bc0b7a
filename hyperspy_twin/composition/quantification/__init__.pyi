from .cliff_lorimer import cliff_lorimer, net_counts
from .edge_fit import EdgeFit, fit_edges
from .fractions import NO_COMPOSITION, Fractions, fractions_of_amounts
from .given_fractions import check_given
from .intensity import fractions_between
from .plural_scattering import LowLoss, low_loss_of
from .window_intensity import window_intensity

__all__ = [
    "NO_COMPOSITION",
    "EdgeFit",
    "Fractions",
    "LowLoss",
    "check_given",
    "cliff_lorimer",
    "fit_edges",
    "fractions_between",
    "fractions_of_amounts",
    "low_loss_of",
    "net_counts",
    "window_intensity",
]
