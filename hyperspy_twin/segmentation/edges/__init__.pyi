from .edge_segmentation import outline_whole_particles, regions_between_edges, segment_edges

__all__ = ["outline_whole_particles", "regions_between_edges", "segment_edges"]
