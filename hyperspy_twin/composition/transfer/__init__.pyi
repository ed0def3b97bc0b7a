from .columns import SiteFractions, fractions_at_sites, keep_means
from .placed_pixels import map_pixels

__all__ = ["SiteFractions", "fractions_at_sites", "keep_means", "map_pixels"]
