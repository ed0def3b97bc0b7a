"""Positions, widths and errors of peaks by fits to the pixels."""
