"""Evaluation: a whole split, once, strictly."""
