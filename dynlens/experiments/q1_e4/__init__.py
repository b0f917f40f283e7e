"""Q1.E4: how long components take to leave zero."""
