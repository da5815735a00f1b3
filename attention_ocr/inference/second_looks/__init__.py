"""Second looks: which images are read again, how, and which reading is kept."""
