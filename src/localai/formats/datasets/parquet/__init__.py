"""Parquet: what its footer says, and what stands in the cells of its columns of text.

Source: Apache Parquet, ``parquet.thrift``, "File format", "Encodings", "Data pages". Everything in
the file is hostile: each size, count, length and index is checked before it is used, and the work
that a file may ask for is counted beforehand (``effort``).
"""
