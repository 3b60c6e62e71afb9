"""The root of trust and what hangs on it: made, shown, rotated, revoked."""
