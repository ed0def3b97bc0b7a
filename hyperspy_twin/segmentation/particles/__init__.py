"""Particles told apart, outlined and measured."""
