"""Ways to turn logits into texts; each is given what it needs and knows no model."""
