"""Text that tries to break out of every format at once."""

HOSTILE = "evil\x1b]0;x\x07\"\\]'<&>\n]]>--\u202e\ud800\x00é"
