from .orientation import (
    Pattern,
    measure_misorientations,
    orix_orientation,
    point_group,
    predict_pattern,
)
from .reflections import (
    Reflections,
    atomic_number_factors,
    find_reflections,
    find_zone_reflections,
    primitive_zone_axis,
    structure_factors,
    zone_lattice,
)
from .thin_crystals import ThinPattern, make_thin_patterns
from .twin_laws import (
    RESOLVED,
    TwinLaw,
    TwinPattern,
    edge_on_twins,
    find_twin_laws,
    make_twin_patterns,
)
from .zone_axes import (
    centring_reflections,
    coprime_indices,
    distinct_zone_axes,
    log_zone_weight,
    usual_member,
    usual_zone_axes,
    zone_repeats,
)
from .zone_patterns import ZonePattern, make_zone_patterns, zone_frame

__all__ = [
    "Pattern",
    "RESOLVED",
    "Reflections",
    "ThinPattern",
    "TwinLaw",
    "TwinPattern",
    "ZonePattern",
    "atomic_number_factors",
    "centring_reflections",
    "coprime_indices",
    "distinct_zone_axes",
    "edge_on_twins",
    "find_reflections",
    "find_twin_laws",
    "find_zone_reflections",
    "log_zone_weight",
    "make_thin_patterns",
    "make_twin_patterns",
    "make_zone_patterns",
    "measure_misorientations",
    "orix_orientation",
    "point_group",
    "predict_pattern",
    "primitive_zone_axis",
    "structure_factors",
    "usual_member",
    "usual_zone_axes",
    "zone_frame",
    "zone_lattice",
    "zone_repeats",
]
