"""Reports of a self-test, one module a format: a report in, text or bytes out."""
