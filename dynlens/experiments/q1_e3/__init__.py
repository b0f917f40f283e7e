"""Q1.E3: the number of components that training needs, in growing dimension."""
