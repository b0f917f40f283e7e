"""Gradient descent beside the flow: how far apart, since when, and why."""
