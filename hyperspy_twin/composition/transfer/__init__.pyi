from .columns import SiteFractions, fractions_at_sites, keep_means

__all__ = ["SiteFractions", "fractions_at_sites", "keep_means"]
