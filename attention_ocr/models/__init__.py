"""The network's layers, and `build`, the one map from settings to layers."""
