"""Q1.E1: how many components lazy training needs, and how few training that moves."""
