"""Q1.E2: what fresh components are for."""
