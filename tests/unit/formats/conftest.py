"""Puts this folder where its tests find ``looking``."""
