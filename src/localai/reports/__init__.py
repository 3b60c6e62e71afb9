"""Reports of a self-test, one module a format. Pure: a report in, text or bytes out."""
