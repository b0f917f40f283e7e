"""F5.5: descent at a step beside descent at a fraction of it, and the edge of stability."""
