"""Bytes to tables and back: one codec for each media type, used by channels and by HTTP alike."""
