"""localai: run an open language model on the agency's own hardware, sealed and proved."""

__version__ = "0.1.0"
