"""Character language models, fused into a search."""
