"""Decoding algorithms from logits to texts, independent of any model."""
