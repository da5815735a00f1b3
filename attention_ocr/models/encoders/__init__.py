"""Encoders: images in, feature grids out."""
