"""The local search: a tuning-job request, run on this machine through the same contract as on SageMaker."""
