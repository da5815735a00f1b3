"""Augmentation in the graph, a batch at a time: every random choice is a function of a seed."""
