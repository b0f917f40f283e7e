"""Formulas of arrays: read from text, differentiated as graphs, evaluated and compiled."""
