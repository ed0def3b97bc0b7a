"""Simulated spectra of known spots, and the training of the network on them."""
