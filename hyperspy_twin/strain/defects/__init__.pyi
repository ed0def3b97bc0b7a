from .block import Block, find_block
from .burgers import Translations
from .dislocations import Dislocations, find_dislocations

__all__ = ["Block", "Dislocations", "Translations", "find_block", "find_dislocations"]
