"""Self-tests: made, shown, scheduled."""
