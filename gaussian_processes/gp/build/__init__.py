"""Building the library of compiled passes, for an image without a compiler. Read `ahead_of_time.py` first."""
