"""Models: multilinear maps from factors to an end-to-end matrix or tensor."""
