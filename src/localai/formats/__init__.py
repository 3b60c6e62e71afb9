"""Files that are no GGUF: what they are, what they say of themselves, and why some are refused."""
