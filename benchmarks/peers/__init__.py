"""Other recognisers, read beside ours on the same images."""
