"""The signed allowlist: its form, its signatures, its root of trust, and what verifies it."""
