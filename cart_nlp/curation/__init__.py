"""A curator's work: decisions that last from run to run, and the queue of what to read first."""
