"""Q3.E1: the risks of random features, neural tangent and networks."""
