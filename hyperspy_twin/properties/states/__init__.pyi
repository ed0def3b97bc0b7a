from .found_states import FoundStates, participation_ratio
from .search import Search, find_states, find_states_of_matrix

__all__ = [
    "FoundStates",
    "Search",
    "find_states",
    "find_states_of_matrix",
    "participation_ratio",
]
