"""The store: a directory for each artifact, below one for its state.

``quarantine/ID``, ``proposed/ID`` and ``approved/ID`` each hold an artifact's files and
``origin.json``. The state is the directory that it lies in, so a step from one to the next is one
rename(2): there is nothing that could disagree with it. What one digest names lies on the disk
once: files are hard links (link(2)). What arrives, and what is being removed, lies in
``incoming``; whatever lies there without a lock was left behind.

The store authorises nothing. Whoever can write into it can put a file anywhere in it, and it
will not run: a start measures the bytes and asks the manifests.
"""
