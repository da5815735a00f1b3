"""Images of where the network looked."""
