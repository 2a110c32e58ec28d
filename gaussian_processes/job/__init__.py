"""SageMaker's contract with a training job: where files are, what strings mean, what is printed, how it fails."""
