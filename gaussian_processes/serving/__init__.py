"""The inference server: SageMaker's /ping and /invocations over one loaded model."""
