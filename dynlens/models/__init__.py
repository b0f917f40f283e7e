"""Models: maps, multilinear as a rule, from factors to an end-to-end matrix or tensor."""
