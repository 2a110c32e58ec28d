"""What an interrupted job leaves, and how the next one finds it."""
