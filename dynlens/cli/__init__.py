"""The command line ``dynlens``."""

from dynlens.cli.app import main

__all__ = ["main"]
