"""Second looks: which images are re-read, how, and which reading is kept."""
