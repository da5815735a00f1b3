"""Data and reading on a cluster: each part of the output is made whole, by any node, once."""
