"""Language models over characters, which have a say in a search."""
