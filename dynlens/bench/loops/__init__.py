"""What the benchmark compiles, as Python modules."""
