"""The sections of the settings: frozen dataclasses, validated on construction."""
