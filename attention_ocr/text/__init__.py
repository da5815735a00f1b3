"""Characters and texts: charsets, writing direction, escapes for terminals."""
