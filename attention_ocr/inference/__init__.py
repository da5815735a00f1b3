"""Inference: from a model on disk and images to texts."""
