"""Whether a job fits a machine, how long it takes, and which machines would do."""
