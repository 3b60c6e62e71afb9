"""The worker: the confined process that loads llama.cpp and answers."""
