"""The lattice of an indexed crystal, fixed in the image."""
