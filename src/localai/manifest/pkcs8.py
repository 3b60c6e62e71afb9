"""Private keys in PKCS#8, encrypted under a passphrase that is slow to guess.

``cryptography`` writes PBES2 with OpenSSL's 2,048 rounds of PBKDF2 and has no way to ask for
more; a stolen file would be guessed three hundred times as fast as today's advice allows. So the
container is built here: the same standard one, with more rounds. Any tool reads it.

Source: RFC 5958 (EncryptedPrivateKeyInfo), RFC 8018 (PBES2, PBKDF2 with HMAC-SHA-256,
AES-256-CBC), RFC 7468 (PEM), NIST SP 800-132.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import pbkdf2_hmac

ROUNDS = 600_000
"""OWASP's advice for PBKDF2 with HMAC-SHA-256 (2023): some 0.1 s for a guess."""

# Object identifiers, in DER without tag and length.
_PBES2 = bytes.fromhex("2a864886f70d01050d")
_PBKDF2 = bytes.fromhex("2a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("2a864886f70d0209")
_AES_256_CBC = bytes.fromhex("60864801650304012a")


def derive_key(passphrase: str, salt: bytes) -> bytes:
    """The AES-256 key for a passphrase, which is not empty."""
    if not passphrase:
        raise ValueError("an empty passphrase encrypts nothing")
    return pbkdf2_hmac("sha256", passphrase.encode(), salt, ROUNDS, 32)


def pad(plain: bytes) -> bytes:
    """Fill up to whole blocks of 16 bytes (RFC 5652, 6.3)."""
    missing = 16 - len(plain) % 16
    return plain + bytes([missing]) * missing


def write_encrypted(salt: bytes, iv: bytes, body: bytes) -> str:
    """The PEM of a private key whose encryption with ``derive_key`` and AES-256-CBC is ``body``."""
    derivation = _sequence(
        _oid(_PBKDF2),
        _sequence(
            _octets(salt),
            _der(0x02, ROUNDS.to_bytes(3, "big")),  # an integer; its first bit is 0
            _sequence(_oid(_HMAC_SHA256), _der(0x05, b"")),
        ),
    )
    cipher = _sequence(_oid(_AES_256_CBC), _octets(iv))
    scheme = _sequence(_oid(_PBES2), _sequence(derivation, cipher))
    return _pem("ENCRYPTED PRIVATE KEY", _sequence(scheme, _octets(body)))


def write_unencrypted(der: bytes) -> str:
    """The PEM of a private key that is not encrypted."""
    return _pem("PRIVATE KEY", der)


def _pem(label: str, der: bytes) -> str:
    text = b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))


def _der(tag: int, content: bytes) -> bytes:
    """Tag, length, value (X.690, 8.1). Contents here stay below 64 KiB."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    if length < 0x100:
        return bytes((tag, 0x81, length)) + content
    return bytes((tag, 0x82)) + length.to_bytes(2, "big") + content


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, b"".join(parts))


def _octets(content: bytes) -> bytes:
    return _der(0x04, content)


def _oid(content: bytes) -> bytes:
    return _der(0x06, content)
