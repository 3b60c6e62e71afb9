"""From what was gathered to one decision: facts, gates, decision."""
