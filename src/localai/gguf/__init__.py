"""GGUF: the file format of the models. ``reader`` says what is in a file, ``inspect`` judges it."""
