from .common_scale import REGION_SPREAD
from .compositions import known_scale, weighed_candidates
from .matches import Composition, Match
from .peak_indexing import index_peaks
from .records import PhaseRecords, RegionPhase
from .region_indexing import index_regions
from .settings import IndexingSettings
from .user_decisions import accept_phase, choose_candidates, constrain_phases, read_directions

__all__ = [
    "REGION_SPREAD",
    "Composition",
    "IndexingSettings",
    "Match",
    "PhaseRecords",
    "RegionPhase",
    "accept_phase",
    "choose_candidates",
    "constrain_phases",
    "index_peaks",
    "index_regions",
    "known_scale",
    "read_directions",
    "weighed_candidates",
]
