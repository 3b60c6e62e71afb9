"""Manifests on disk: changed, compared, signed elsewhere, audited, exported."""
