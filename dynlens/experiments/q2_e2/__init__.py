"""Q2.E2: the smaller the start, the sharper the stairs."""
