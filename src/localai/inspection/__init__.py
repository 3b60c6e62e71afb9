"""Inspection: what a file is, for the person who decides about it. Nothing of it runs."""
