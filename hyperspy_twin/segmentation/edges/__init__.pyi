from .edge_segmentation import (
    EdgeRegions,
    outline_whole_particles,
    regions_between_edges,
    segment_edges,
)

__all__ = [
    "EdgeRegions",
    "outline_whole_particles",
    "regions_between_edges",
    "segment_edges",
]
