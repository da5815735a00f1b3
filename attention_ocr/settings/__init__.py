"""The sections of the settings: frozen values, checked when they are made."""
