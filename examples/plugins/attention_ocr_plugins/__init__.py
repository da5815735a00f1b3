"""Plugins of attention-ocr; the distribution's `pyproject.toml` gives them their names."""
