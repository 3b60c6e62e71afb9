"""Bundles: artifacts, and what approves them, in one file that is carried to a host without a
network.

A bundle is a plain tar whose members stand in one order: the index, which names all others with
size and digest, then the roots of trust, manifests and the list of what is revoked, each with its
signatures, then the origins, and last the files of the artifacts, each once, by its digest. All
that decides comes before the first byte of an artifact, so a bundle can be judged, and read from a
pipe, in one pass. It authorises nothing: what is in it counts by signatures, or not at all.
"""
