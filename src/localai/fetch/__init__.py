"""Fetch from a hub that the policy names, and from nowhere else.

The hub's own library runs in a process of its own (``__main__``), whose environment is made here:
no telemetry, no update check, no cache, no token file, nothing of the shell but the proxy and the
certificates. That process is given one errand (``errand``), refuses every other host before
anything is sent there, and fills files whose names and sizes were decided here. It is believed in
nothing: what arrived is measured by this side (``bring``), and goes into quarantine.
"""
