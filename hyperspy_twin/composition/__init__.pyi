from .cross_sections import Optics, cross_section
from .energy_loss import edge_intensity, from_eels
from .given_maps import from_map
from .known_references import from_haadf, from_regions, from_strain
from .x_rays import from_eds

__all__ = [
    "Optics",
    "cross_section",
    "edge_intensity",
    "from_eds",
    "from_eels",
    "from_haadf",
    "from_map",
    "from_regions",
    "from_strain",
]
