from .crystal_maps import colour_key, colour_orientations, make_crystal_map
from .epitaxy import tabulate_epitaxy
from .lattice_planes import centring_translations
from .pixel_size import calibrate
from .plane_families import name_family
from .rescaling import rescale_record

__all__ = [
    "calibrate",
    "centring_translations",
    "colour_key",
    "colour_orientations",
    "make_crystal_map",
    "name_family",
    "rescale_record",
    "tabulate_epitaxy",
]
