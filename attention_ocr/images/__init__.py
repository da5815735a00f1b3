"""Image files: formats, limits, decoding, and the network input made from their pixels."""
