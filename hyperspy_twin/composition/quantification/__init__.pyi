from .edge_fit import EdgeFit, excess_of_misfit, fit_edges
from .edge_windows import window_intensity
from .fractions import NO_COMPOSITION, Fractions, fractions_of_amounts
from .given_fractions import check_given
from .intensity import fractions_between
from .k_factors import cliff_lorimer, net_counts
from .plural_scattering import LowLoss, low_loss_of

__all__ = [
    "NO_COMPOSITION",
    "EdgeFit",
    "Fractions",
    "LowLoss",
    "check_given",
    "cliff_lorimer",
    "excess_of_misfit",
    "fit_edges",
    "fractions_between",
    "fractions_of_amounts",
    "low_loss_of",
    "net_counts",
    "window_intensity",
]
