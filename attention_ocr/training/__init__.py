"""Training: an explicit loop that a kill at any moment does not disturb."""
