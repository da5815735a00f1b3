"""Export: the recogniser as a directory that TF Serving takes as it is, checked beforehand."""
