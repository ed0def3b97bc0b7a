"""Fourier spectra of regions and their Bragg spots."""
