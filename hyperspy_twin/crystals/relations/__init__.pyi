from .crystal_maps import colour_key, colour_orientations, make_crystal_map
from .epitaxy import tabulate_epitaxy
from .pixel_size import calibrate
from .plane_families import name_family
from .rescaling import rescale_record

__all__ = [
    "calibrate",
    "colour_key",
    "colour_orientations",
    "make_crystal_map",
    "name_family",
    "rescale_record",
    "tabulate_epitaxy",
]
