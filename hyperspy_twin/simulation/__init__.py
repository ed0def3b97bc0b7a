"""Images of atoms: scattering, probe, scan."""
