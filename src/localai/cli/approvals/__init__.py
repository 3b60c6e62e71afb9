"""From a file to its entry: proposed, reviewed, approved."""
