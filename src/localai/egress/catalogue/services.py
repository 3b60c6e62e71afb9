"""The probes of ``egress.probes.services``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

_PATHNAME = ("seccomp", "namespaces")

EXPLANATIONS: Mapping[str, Explanation] = {
    "docker": Explanation(
        "Asks Docker, by its socket, to fetch an image whose name is the nonce.",
        "The daemon has the network and is root: it carries names out and can mount the whole"
        " disk.",
        _PATHNAME,
        "Kinsing (2020): malware that spread by Docker interfaces that had been left open, each of"
        " which gave it the host.",
    ),
    "podman": Explanation(
        "Asks Podman, by its socket, to fetch an image whose name is the nonce.",
        "The service runs as the same account, with the network that the worker does not have.",
        _PATHNAME,
    ),
    "containerd": Explanation(
        "Asks containerd, by its socket, for an image whose name is the nonce.",
        "It starts containers for others as root, below Docker and its rules.",
        _PATHNAME,
    ),
    "ssh-agent": Explanation(
        "Sends a request to the SSH agent that carries the nonce.",
        "The agent signs with the user's keys for whoever asks, and may be forwarded from another"
        " host.",
        _PATHNAME,
        "CVE-2023-38408 (2023): whoever could speak to an agent could have it load libraries and"
        " run code.",
    ),
    "gpg-agent": Explanation(
        "Sends a description that is the nonce to the GnuPG agent.",
        "The agent decrypts and signs with the user's keys, and shows what it is told in a dialog.",
        _PATHNAME,
    ),
    "dbus-session": Explanation(
        "Has the user's service manager start a unit named as the nonce, over the session's D-Bus.",
        "A unit is any command, run as the user and outside every layer.",
        _PATHNAME,
        "CVE-2018-19358 (2018, disputed): any program on the session's D-Bus could ask an unlocked"
        " keyring for its passwords.",
    ),
    "dbus-system": Explanation(
        "Has the system's service manager start a unit named as the nonce, over the system's"
        " D-Bus.",
        "Behind this bus are services that run as root and decide by themselves whom they obey.",
        _PATHNAME,
        "CVE-2021-3560 (2021): a call over this bus that was broken off at the right moment made"
        " an ordinary account root.",
    ),
    "x11": Explanation(
        "Opens a connection to the X server with the nonce as the name of its authorization.",
        "A client of X sees what is typed, reads other windows and can type into them.",
        _PATHNAME,
    ),
    "wayland": Explanation(
        "Asks the Wayland compositor for an interface that is named as the nonce.",
        "A client can open windows, and many compositors let it read the clipboard.",
        _PATHNAME,
    ),
    "pulseaudio": Explanation(
        "Tells PulseAudio the nonce as the name of a client.",
        "It gives the microphone and the speakers, and its modules can send sound over a network.",
        _PATHNAME,
    ),
    "pipewire": Explanation(
        "Tells PipeWire the nonce as the name of an application.",
        "It gives microphone, camera and screen to whoever is let in.",
        _PATHNAME,
    ),
    "cups": Explanation(
        "Asks the print service for a printer that is named as the nonce.",
        "What is printed leaves the host on paper or over the network, with a job's name in logs.",
        _PATHNAME,
        "CVE-2024-47176 and its companions (2024): printers that anybody announced to cups-browsed"
        " ran commands once something was printed.",
    ),
    "mta": Explanation(
        "Wakes the mail service with the nonce by its local socket.",
        "A letter that is handed over goes out by itself, minutes or days later.",
        _PATHNAME,
        "CVE-2019-10149 (2019): an address in a letter had Exim run commands as root.",
    ),
    "syslog": Explanation(
        "Writes a line with the nonce to /dev/log.",
        "Agencies gather logs in one place: what is logged here is soon on another host.",
        _PATHNAME,
        "Log4Shell (CVE-2021-44228, 2021): a logged line made the software that logged it connect"
        " to another host.",
    ),
    "journald": Explanation(
        "Writes an entry with the nonce to the journal's socket.",
        "The journal keeps it, shows it to others and may forward it to another host.",
        _PATHNAME,
        "CVE-2018-16865 (made public in 2019): an entry with very many fields corrupted the"
        " journal's memory, and could make an account root.",
    ),
    "journald-stdout": Explanation(
        "Opens a stream into the journal and writes a line with the nonce.",
        "It is a second way into the same journal, with a connection instead of datagrams.",
        _PATHNAME,
    ),
    "snapd": Explanation(
        "Asks snapd, by its socket, to search its store for the nonce.",
        "The daemon is root and has the network: the word that is searched for leaves the host.",
        _PATHNAME,
        "CVE-2019-7304 (Dirty Sock, 2019): a request to this socket made any account root.",
    ),
    "cuda-mps": Explanation(
        "Sends the nonce to the control socket of NVIDIA's multi-process service.",
        "Whoever shares a GPU by it shares a server process with the other users of the GPU.",
        _PATHNAME,
    ),
}
