"""What lies on a host, held against what is approved there."""
