"""A proxy as agencies have them, on loopback: it asks for a password, and looks into what passes
with certificates that an authority of its own signed."""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "pat", "s3cret"


class Authority(NamedTuple):
    """A private certificate authority: its own certificate, and one for 127.0.0.1 with its key."""

    ca: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_authority(directory: Path, name: str) -> Authority:
    """Write its files into ``directory``."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def sign(builder: x509.CertificateBuilder, public: ec.EllipticCurvePublicKey) -> bytes:
        built = (
            builder.issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        )
        return built.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    own = x509.CertificateBuilder().subject_name(issuer)
    own = own.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = x509.CertificateBuilder().subject_name(subject).add_extension(address, False)
    made = Authority(*(directory / f"{name}-{part}.pem" for part in ("ca", "leaf", "key")))
    made.ca.write_bytes(sign(own, ca_key.public_key()))
    made.certificate.write_bytes(sign(leaf, key.public_key()))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


class Proxy:
    """``url`` has the password in it. ``asked`` are the targets of CONNECT, ``refused`` how many
    came without the password, ``read`` what the clients sent through, decrypted."""

    def __init__(self, authority: Authority) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls = authority.context()
        self.asked: list[str] = []
        self.refused = 0
        self.read = b""
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := client.recv(4096)):
                    return
                head += piece
            words = base64.b64encode(f"{USER}:{PASSWORD}".encode())
            if b"Basic " + words not in head:
                self.refused += 1
                client.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
                return
            target = head.split()[1].decode()
            self.asked.append(target)
            host, _, port = target.rpartition(":")
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            outside = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            outside.check_hostname, outside.verify_mode = False, ssl.CERT_NONE
            with (
                self._tls.wrap_socket(client, server_side=True) as inner,
                socket.create_connection((host, int(port))) as raw,
                outside.wrap_socket(raw) as outer,
            ):
                back = threading.Thread(target=self._pass, args=(outer, inner, False), daemon=True)
                back.start()
                self._pass(inner, outer, True)
                back.join()

    def _pass(self, source: ssl.SSLSocket, target: ssl.SSLSocket, keep: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                self.read += piece if keep else b""
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def running(authority: Authority) -> Iterator[Proxy]:
    """Such a proxy, serving."""
    proxy = Proxy(authority)
    try:
        yield proxy
    finally:
        proxy.close()
