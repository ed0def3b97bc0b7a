from .common_scale import REGION_SPREAD
from .matches import Match
from .peak_indexing import index_peaks
from .records import PhaseRecords, RegionPhase
from .region_indexing import index_regions
from .settings import IndexingSettings
from .user_decisions import accept_phase, choose_candidates, constrain_phases, read_directions

__all__ = [
    "REGION_SPREAD",
    "IndexingSettings",
    "Match",
    "PhaseRecords",
    "RegionPhase",
    "accept_phase",
    "choose_candidates",
    "constrain_phases",
    "index_peaks",
    "index_regions",
    "read_directions",
]
