"""Characters and texts: charsets, writing direction, what a terminal may be shown."""
