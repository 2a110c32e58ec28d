"""Models in memory: loading them, predicting with them, sharing them among requests."""
