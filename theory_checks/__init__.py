"""Theorems, one short file each; `dynlens verify` finds them here."""
