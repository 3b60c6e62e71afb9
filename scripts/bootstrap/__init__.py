"""What scripts/quickstart, scripts/test and scripts/wheelhouse share: making what is missing.

Runs before anything is installed, so it uses the standard library only. Every step is done or not
done: it leaves its result under its final name, or a stamp, as its last act. An interrupted run is
simply repeated.
"""
