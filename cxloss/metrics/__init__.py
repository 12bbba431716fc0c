"""Measures of image quality, one per file."""
