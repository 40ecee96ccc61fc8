"""Training: the step, the schedule, the loop, checkpoints, and what a person sees meanwhile."""
