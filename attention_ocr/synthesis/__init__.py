"""Text rendered on the fly: settings, texts, fonts, effects and the renderer."""
