from .borders import TwinPlane, Twins
from .edges import Edge
from .missing_bonds import count_missing_bonds
from .overlaps import remove_overlaps
from .shared_planes import SharedPlanes, share_planes

__all__ = [
    "Edge",
    "SharedPlanes",
    "TwinPlane",
    "Twins",
    "count_missing_bonds",
    "remove_overlaps",
    "share_planes",
]
