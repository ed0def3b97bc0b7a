from .given_maps import from_map

__all__ = ["from_map"]
