"""Engines: what runs a model in one of its forms; TensorFlow is one of several, and optional."""
