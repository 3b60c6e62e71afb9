"""The probes of ``egress.probes.files``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

_CHANGE = ("seccomp", "landlock", "namespaces")
_GROW = ("seccomp", "landlock", "rlimits", "namespaces")
_INODE = ("seccomp", "account", "namespaces")

EXPLANATIONS: Mapping[str, Explanation] = {
    "read-home": Explanation(
        "Reads a file that only this account may read.",
        "What is never read cannot be sent: keys, mail and case files lie in home directories.",
        ("landlock", "account", "namespaces"),
        "torchtriton (December 2022): a package for PyTorch's nightly builds sent away SSH keys"
        " and other files of the home directory.",
    ),
    "read-file": Explanation(
        "Reads a file that every account may read.",
        "Names of users, hosts and networks lie in such files, and tell whose machine this is.",
        ("landlock", "namespaces"),
        "torchtriton (December 2022) also sent away /etc/passwd and /etc/resolv.conf.",
    ),
    "write-new": Explanation(
        "Writes the nonce to a new file.",
        "Something else may send it later: a sync client, a backup, a person.",
        _GROW,
        "CVE-2024-37032 (2024): Ollama took a file name from a model's manifest, and so a model"
        " could write anywhere.",
    ),
    "write-existing": Explanation(
        "Writes the nonce over the beginning of a file that exists.",
        "A file that others read, or run, becomes the messenger.",
        _GROW,
        "CVE-2022-0847 (Dirty Pipe, 2022): any account could write over files that it may only"
        " read.",
    ),
    "append": Explanation(
        "Adds the nonce to the end of a file that exists.",
        "Logs and start-up scripts are files to which a line more is not conspicuous.",
        _GROW,
    ),
    "write-fifo": Explanation(
        "Writes the nonce to a named pipe (fifo(7)).",
        "Another process reads it at once, and nothing stays on the disk.",
        _CHANGE,
    ),
    "write-shm": Explanation(
        "Writes the nonce to a file in /dev/shm.",
        "Every account may write there, and it is memory: nothing stays on the disk.",
        _CHANGE,
        "BPFDoor (made public in 2022): a backdoor that copied itself to /dev/shm to run there.",
    ),
    "truncate": Explanation(
        "Gives two files lengths that are the halves of the nonce (truncate(2)).",
        "A file's length can be seen by whoever may list its directory, without reading it.",
        _GROW,
    ),
    "make-directory": Explanation(
        "Makes a directory whose name is the nonce.",
        "A name alone carries 255 bytes, and limits on the size of files do not count it.",
        _CHANGE,
    ),
    "make-symlink": Explanation(
        "Makes a symbolic link that points to the nonce.",
        "The target need not exist: it is free text, up to 4,095 bytes.",
        _CHANGE,
        "CVE-2021-30465 (2021): a symbolic link that was swapped in at the right moment had runc"
        " mount the host's files into a container.",
    ),
    "make-hard-link": Explanation(
        "Gives a file a second name, which is the nonce (link(2)).",
        "Besides the name, it keeps a file alive that its owner believes to have deleted.",
        _CHANGE,
        "Since Linux 3.6 (2012) fs.protected_hardlinks can forbid links to other people's files,"
        " because many attacks on set-user-ID programs had used them.",
    ),
    "make-fifo": Explanation(
        "Makes a named pipe whose name is the nonce.",
        "It is another call that leaves a name behind, and a meeting place for two processes.",
        _CHANGE,
    ),
    "make-socket-file": Explanation(
        "Makes a socket file whose name is the nonce (mknod(2)).",
        "It is another call that leaves a name behind, one that no list of open(2) flags stops.",
        _CHANGE,
    ),
    "rename": Explanation(
        "Renames a file to the nonce.",
        "It can be repeated without end and leaves no more files behind than there were.",
        _CHANGE,
    ),
    "change-mode": Explanation(
        "Puts the nonce into the permissions of four files (chmod(2)).",
        "Landlock 7 has no rule for permissions, and whoever may list a directory sees them.",
        _INODE,
    ),
    "change-times": Explanation(
        "Puts the nonce into a file's time of last change (utimensat(2)).",
        "Landlock 7 has no rule for times; they carry 30 bits and more each and no content"
        " changes.",
        _INODE,
    ),
    "set-attribute": Explanation(
        "Puts the nonce into an extended attribute of a file (xattr(7)).",
        "Few listings show attributes, many backups carry them, and Landlock 7 has no rule for"
        " them.",
        ("seccomp", "namespaces"),
        "CVE-2021-3493 (2021): on Ubuntu an attribute set through overlayfs gave a program root's"
        " capabilities.",
    ),
}
