"""Engines: what runs a model in one of its formats; TensorFlow is one of several, and optional."""
