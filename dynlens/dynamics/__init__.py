"""What a problem does in time: flow, descent, modified flows, and the trajectories they leave."""
