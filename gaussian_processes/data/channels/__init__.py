"""The channels of a job, as files and as pipes: from a folder to one dataset."""
