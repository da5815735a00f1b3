"""Shared code of the TensorFlow Datasets builders in `datasets/`."""
