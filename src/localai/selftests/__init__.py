"""Results of self-tests: what one is, and the log that they are kept in."""
