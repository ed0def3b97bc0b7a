from .fractions import NO_COMPOSITION, Fractions, fractions_of_amounts
from .given_fractions import check_given

__all__ = ["NO_COMPOSITION", "Fractions", "check_given", "fractions_of_amounts"]
