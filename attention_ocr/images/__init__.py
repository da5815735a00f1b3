"""Image files: formats, limits, decoding, and the input of the network made from their pixels."""
