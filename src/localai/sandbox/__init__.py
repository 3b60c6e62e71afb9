"""The sandbox: kernel layers that a process puts on itself, and the proof that they hold."""
