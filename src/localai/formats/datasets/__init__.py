"""Datasets: read to their end, in pieces of bounded size, and searched for what may harm whoever
opens them or learns from them."""
