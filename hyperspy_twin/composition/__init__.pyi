from .cross_sections import Optics, cross_section
from .energy_loss import edge_intensity, from_eels
from .given_maps import from_map

__all__ = ["Optics", "cross_section", "edge_intensity", "from_eels", "from_map"]
