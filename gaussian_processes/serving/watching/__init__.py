"""What people see of a running server: metrics and log lines."""
