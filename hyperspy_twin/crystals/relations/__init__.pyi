from .crystal_maps import colour_key, colour_orientations, make_crystal_map
from .epitaxy import tabulate_epitaxy
from .pixel_size import calibrate
from .rescaling import rescale_record

__all__ = [
    "calibrate",
    "colour_key",
    "colour_orientations",
    "make_crystal_map",
    "rescale_record",
    "tabulate_epitaxy",
]
