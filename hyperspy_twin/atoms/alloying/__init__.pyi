from .collapse import collapse
from .layers import find_layers, layer_normal
from .short_range_order import order_at_short_range
from .sublattices import Sublattice, choose_sublattices, share_sites

__all__ = [
    "Sublattice",
    "choose_sublattices",
    "collapse",
    "find_layers",
    "layer_normal",
    "order_at_short_range",
    "share_sites",
]
