"""Ways out by the services of this host: what listens at a well-known path and does things for
others.

Each probe says in the service's own words what carries a nonce. Stand-ins of ours listen there;
the services themselves hear nothing.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import NamedTuple

from localai.egress.probes import dbus
from localai.egress.probes.probe import Probe, Target, text

Message = Callable[[bytes], bytes]
"""The words that carry a nonce."""


class Service(NamedTuple):
    """Where a service listens. ``{uid}`` in ``path`` is the account's number."""

    path: str
    kind: socket.SocketKind = socket.SOCK_STREAM


SERVICES = {
    "docker": Service("/run/docker.sock"),
    "podman": Service("/run/user/{uid}/podman/podman.sock"),
    "containerd": Service("/run/containerd/containerd.sock"),
    "ssh-agent": Service("/tmp/ssh-standin/agent.1"),  # noqa: S108 - where OpenSSH's listens
    "gpg-agent": Service("/run/user/{uid}/gnupg/S.gpg-agent"),
    "dbus-session": Service("/run/user/{uid}/bus"),
    "dbus-system": Service("/run/dbus/system_bus_socket"),
    "x11": Service("/tmp/.X11-unix/X0"),  # noqa: S108 - where X servers listen
    "wayland": Service("/run/user/{uid}/wayland-0"),
    "pulseaudio": Service("/run/user/{uid}/pulse/native"),
    "pipewire": Service("/run/user/{uid}/pipewire-0"),
    "cups": Service("/run/cups/cups.sock"),
    "mta": Service("/var/spool/postfix/public/pickup"),
    "syslog": Service("/dev/log", socket.SOCK_DGRAM),
    "journald": Service("/run/systemd/journal/socket", socket.SOCK_DGRAM),
    "journald-stdout": Service("/run/systemd/journal/stdout"),
    "snapd": Service("/run/snapd.socket"),
    "cuda-mps": Service("/tmp/nvidia-mps/control"),  # noqa: S108 - where the driver puts it
    "resolved": Service("/run/systemd/resolve/io.systemd.Resolve"),
    "nscd": Service("/run/nscd/socket"),
}


def tell(service: str, message: Message) -> Callable[[Target, bytes], None]:
    """An attempt that connects to ``service`` and says ``message``."""

    def attempt(target: Target, nonce: bytes) -> None:
        with socket.socket(socket.AF_UNIX, SERVICES[service].kind) as out:
            out.setblocking(False)  # whoever does not listen at once is not waited for
            out.connect(text(target, "path"))
            out.send(message(nonce))

    return attempt


def fill(template: bytes) -> Message:
    """``template`` with the nonce in place of its one ``%s``."""
    return lambda nonce: template % nonce


def _http(request: bytes) -> Message:
    return fill(request + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")


def _grpc(nonce: bytes) -> bytes:
    """HTTP/2 (RFC 9113): the preface, no settings, a POST, and one message whose first field is
    the name of an image."""

    def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
        return struct.pack("!I", len(body))[1:] + struct.pack("!BBI", kind, flags, stream) + body

    path = b"/containerd.services.images.v1.Images/Get"
    headers = b"\x83\x86\x04" + bytes((len(path),)) + path  # RFC 7541: :method, :scheme, :path
    field = b"\x0a" + bytes((len(nonce),)) + nonce
    message = b"\0" + struct.pack("!I", len(field)) + field
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(4, 0, 0, b"")
        + frame(1, 4, 1, headers)
        + frame(0, 1, 1, message)
    )


def _ssh_agent(nonce: bytes) -> bytes:
    """SSH_AGENTC_EXTENSION, with the nonce as the extension's name (draft-ietf-sshm-ssh-agent)."""
    body = b"\x1b" + struct.pack("!I", len(nonce)) + nonce
    return struct.pack("!I", len(body)) + body


_START_UNIT = dbus.Method(
    b"org.freedesktop.systemd1", b"/org/freedesktop/systemd1", b"org.freedesktop.systemd1.Manager",
    b"StartTransientUnit",
)  # fmt: skip


def _start_unit(nonce: bytes) -> bytes:
    """Have the service manager start a unit with the nonce for a name, without properties."""
    names = dbus.string(nonce + b".service") + dbus.string(b"replace")
    arrays = struct.pack("=I", 0).ljust(8 - len(names) % 8, b"\0") + struct.pack("=II", 0, 0)
    return dbus.call(_START_UNIT, b"ssa(sv)a(sa(sv))", names + arrays)


def _x11(nonce: bytes) -> bytes:
    """The first request of the X protocol, with the nonce for the name of an authorization."""
    return struct.pack("=cxHHHHxx", b"l", 11, 0, len(nonce), 0) + nonce.ljust(8, b"\0")


def _wayland(nonce: bytes) -> bytes:
    """wl_display.get_registry, then wl_registry.bind to an interface that is named as the nonce."""
    name = nonce.ljust(8, b"\0")
    bind = struct.pack("=II8sII", 1, len(name), name, 1, 3)
    return struct.pack("=IIIII", 1, 12 << 16 | 1, 2, 2, 8 + len(bind) << 16) + bind


def _pulseaudio(nonce: bytes) -> bytes:
    """A packet on the control channel: PA_COMMAND_SET_CLIENT_NAME."""
    body = struct.pack("!cIcI", b"L", 9, b"L", 0) + b"t" + nonce + b"\0"
    return struct.pack("!5I", len(body), 0xFFFFFFFF, 0, 0, 0) + body


def _pipewire(nonce: bytes) -> bytes:
    """Client.UpdateProperties of the native protocol, with the nonce for the only value."""

    def pod(kind: int, body: bytes) -> bytes:
        return struct.pack("=II", len(body), kind) + body + b"\0" * (-len(body) % 8)

    key, value = (pod(8, text + b"\0") for text in (b"application.name", nonce))
    body = pod(14, pod(14, pod(4, struct.pack("=I", 1)) + key + value))
    return struct.pack("=IIII", 1, 2 << 24 | len(body), 0, 0) + body


def _probe(service: str, way: str, message: Message) -> Probe:
    """A probe that is named as the service that it speaks to."""
    twin = "unix-stream" if SERVICES[service].kind is socket.SOCK_STREAM else "unix-datagram"
    return Probe(service, way, service, tell(service, message), twin=twin)


PROBES = (
    _probe("docker", "an image's name asked of Docker", _http(b"POST /images/create?fromImage=%s")),
    _probe("podman", "an image's name asked of Podman",
           _http(b"POST /v5.0.0/libpod/images/pull?reference=%s")),
    _probe("containerd", "an image's name asked of containerd", _grpc),
    _probe("ssh-agent", "a request to the SSH agent", _ssh_agent),
    _probe("gpg-agent", "a request to the GnuPG agent", fill(b"SETDESC %s\n")),
    _probe("dbus-session", "a unit started over the session's D-Bus", _start_unit),
    _probe("dbus-system", "a unit started over the system's D-Bus", _start_unit),
    _probe("x11", "a request to the X server", _x11),
    _probe("wayland", "a request to the Wayland compositor", _wayland),
    _probe("pulseaudio", "a name told to PulseAudio", _pulseaudio),
    _probe("pipewire", "a name told to PipeWire", _pipewire),
    _probe("cups", "a job for the print service", _http(b"POST /printers/%s")),
    _probe("mta", "a letter for the mail service", fill(b"W%s")),
    _probe("syslog", "a line for syslog", fill(b"<14>localai: %s")),
    _probe("journald", "an entry for the journal", fill(b"MESSAGE=%s\n")),
    _probe("journald-stdout", "a stream into the journal",
           fill(b"localai\n\n6\n0\n0\n0\n0\n%s\n")),
    _probe("snapd", "a search asked of snapd", _http(b"GET /v2/find?q=%s")),
    _probe("cuda-mps", "a request to the GPU's multi-process service", fill(b"%s")),
)  # fmt: skip
