"""Units, and what more than one room takes for true of electron microscopy."""

from scipy import constants

ANGSTROM_PER_NM = 10.0

# Standard deviation of a normal distribution in median absolute deviations: 1 / ndtri(3/4).
DEVIATION_PER_MEDIAN = 1.4826

# Formula units in a cubic Angstrom of one mol per cubic centimetre.
UNITS_PER_CUBIC_ANGSTROM = constants.Avogadro * 1e-24

# nm. No lattice planes closer than this are looked for: aberration-corrected STEM resolves 0.0405
# nm in test specimens; Morishita, Ishikawa, Kohno et al., Microscopy 67, 46 (2018).
SHORTEST_SPACING = 0.05

# Exponent of the atomic number in the intensity of an atomic column in high-angle annular dark
# field: between 1.6 and 1.9 by the inner angle of the detector; Pennycook & Jesson,
# Ultramicroscopy 37, 14 (1991), Krivanek et al., Nature 464, 571 (2010).
HAADF_EXPONENT = 1.7
