from .atoms import model_3d_figure, model_figure
from .bragg import bragg_figure
from .composition import composition_figure
from .defects import draw_dislocations, draw_planar_faults
from .electrons import band_edges_figure, state_figure
from .markers import COLOURS, outline_markers, phase_markers
from .navigator import region_navigator
from .notebooks import show_once
from .orientations import orientation_figure
from .outlines import draw_outlines, image_extent, regions_figure
from .overlay import overlay_figure
from .particles import particles_figure
from .predicted import limit_view, spectrum_markers
from .spectrum import spectrum_figure
from .strain import DIVERGING, strain_figure, with_grey

__all__ = [
    "COLOURS",
    "DIVERGING",
    "band_edges_figure",
    "bragg_figure",
    "composition_figure",
    "draw_dislocations",
    "draw_planar_faults",
    "draw_outlines",
    "image_extent",
    "limit_view",
    "model_3d_figure",
    "model_figure",
    "orientation_figure",
    "outline_markers",
    "overlay_figure",
    "particles_figure",
    "phase_markers",
    "region_navigator",
    "regions_figure",
    "show_once",
    "spectrum_figure",
    "spectrum_markers",
    "state_figure",
    "strain_figure",
    "with_grey",
]
