"""Readers: one module for each form in which labelled images lie somewhere."""
