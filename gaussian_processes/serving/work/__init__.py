"""Work in threads and child processes: whose turn it is, what memory there is, and whether the client is still there."""
