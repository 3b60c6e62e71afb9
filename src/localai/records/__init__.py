"""The evidence: what was decided here, by whom, on which grounds."""
