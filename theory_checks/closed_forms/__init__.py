"""Laws of the papers solved in closed form by sympy: CF1 to CF6."""
