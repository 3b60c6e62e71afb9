"""What a host and a person need before anything can be approved."""
