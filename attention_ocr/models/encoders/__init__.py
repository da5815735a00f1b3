"""Encoders: pictures in, feature grids out."""
