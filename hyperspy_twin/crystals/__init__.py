"""Crystal structures, their diffraction and the indexing of spots."""
