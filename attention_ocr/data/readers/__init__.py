"""Readers: one module per storage format of labelled images."""
