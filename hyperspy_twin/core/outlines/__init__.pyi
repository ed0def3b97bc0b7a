from .outlines import Outlines, contains, rasterise, trace

__all__ = ["Outlines", "contains", "rasterise", "trace"]
