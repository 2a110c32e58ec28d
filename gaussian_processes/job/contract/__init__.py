"""SageMaker's contract with a training job: its folders, documents, channels and metrics."""
