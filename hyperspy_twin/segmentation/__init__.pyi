from .auto import segment_auto
from .confidence import measure_boundaries, region_confidence
from .edges import segment_edges
from .editing import add_region, merge_regions, relabel_regions, remove_regions, split_regions
from .methods import check_options, segment_image
from .particles import ParticleSizes, fit_size_distribution, measure_particles, separate_particles
from .region_statistics import describe_regions
from .segment_anything import segment_sam
from .simplification import simplify_outlines
from .texture import segment_texture

__all__ = [
    "ParticleSizes",
    "add_region",
    "check_options",
    "describe_regions",
    "fit_size_distribution",
    "measure_boundaries",
    "measure_particles",
    "merge_regions",
    "region_confidence",
    "relabel_regions",
    "remove_regions",
    "segment_auto",
    "segment_edges",
    "segment_image",
    "segment_sam",
    "segment_texture",
    "separate_particles",
    "simplify_outlines",
    "split_regions",
]
