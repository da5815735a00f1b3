"""Export: the recogniser as a checked directory that TF Serving loads as it is."""
