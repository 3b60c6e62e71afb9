"""Egress: every way out that we know, each tried for real against a sink of our own."""
