from .found_states import FoundStates, participation_ratio
from .model_states import states_of_model
from .search import BlockLayout, Search, find_states, find_states_of_matrix

__all__ = [
    "BlockLayout",
    "FoundStates",
    "Search",
    "find_states",
    "find_states_of_matrix",
    "participation_ratio",
    "states_of_model",
]
