"""Files that outlive a process: models, arrays beside them, and how a file appears whole or not at all."""
