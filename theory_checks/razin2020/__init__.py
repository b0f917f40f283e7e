"""Norms may go to infinity: Razin & Cohen (2020), theorems P1."""
