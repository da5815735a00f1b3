"""Evaluation of models on complete data sets."""
