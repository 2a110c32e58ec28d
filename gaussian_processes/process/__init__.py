"""What `train` and `serve` do to their own process: its signals, and the environment of its libraries."""
