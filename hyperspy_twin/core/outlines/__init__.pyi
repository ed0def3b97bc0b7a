from .outlines import Outlines, adjacent_regions, contains, rasterise, trace

__all__ = ["Outlines", "adjacent_regions", "contains", "rasterise", "trace"]
