from .draw import draw_elements_of_alloy
from .equal_runs import starts_of_runs
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
    "find_layers",
    "find_strata",
    "layer_normal",
    "order_at_short_range",
    "share_sites",
    "starts_of_runs",
]
