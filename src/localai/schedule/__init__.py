"""The self-test by the clock: who starts it, when it runs next, whether it ran when it should."""
