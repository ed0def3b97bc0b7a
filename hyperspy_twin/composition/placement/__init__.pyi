from .methods import (
    GIVE,
    UnsureError,
    place_by_image,
    place_by_tags,
    place_given,
    place_on_area,
    place_same_area,
    undetermined_direction,
)

__all__ = [
    "GIVE",
    "UnsureError",
    "place_by_image",
    "place_by_tags",
    "place_given",
    "place_on_area",
    "place_same_area",
    "undetermined_direction",
]
