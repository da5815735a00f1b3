"""Build the package; its metadata stands in `pyproject.toml`."""

from setuptools import setup

setup()
