from .columns_of_atoms import equal_runs
from .draw import draw_elements_of_alloy
from .layers import find_layers, find_strata, layer_normal
from .short_range_order import order_at_short_range
from .sublattices import EXCHANGEABLE, Alloy, Sublattice, choose_sublattices, share_sites
from .whole_numbers import collapse

__all__ = [
    "EXCHANGEABLE",
    "Alloy",
    "Sublattice",
    "choose_sublattices",
    "collapse",
    "draw_elements_of_alloy",
    "equal_runs",
    "find_layers",
    "find_strata",
    "layer_normal",
    "order_at_short_range",
    "share_sites",
]
