"""What a signer gets who has neither localai nor Python: the bytes to sign, a page that says what
they are, and a script for Windows. The folder is made to be sent by any way: nothing in it is
trusted when it comes back, for a signature holds over the right bytes or it does not."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from localai.manifest.schema import Entry, Manifest
from localai.reports.sheet import sheet, text

PAYLOAD, PAGE, SCRIPT = "payload.bin", "read-me.html", "sign.ps1"

_STYLE = "\npre { overflow-x: auto; border: 1px solid; padding: .5rem; }"

# $ecdsa.SignData gives r and s side by side (IEEE P1363); `attach-signature` takes that.
_SCRIPT = """\
# Signs payload.bin with a certificate of your Windows certificate store. The certificates of a
# smart card are there too while the card is in its reader.
#
# Nobody has tried this script: it could not be run where localai
# is made, because there is no Windows there. Read it before you run it. It reads payload.bin, writes
# signature.bin and signer.cer beside itself, and sends nothing anywhere.
#
# powershell -ExecutionPolicy Bypass -File sign.ps1

$ErrorActionPreference = 'Stop'
$expected = '@DIGEST@'
$payload = [IO.File]::ReadAllBytes((Join-Path $PSScriptRoot 'payload.bin'))
$hash = [Security.Cryptography.SHA256]::Create().ComputeHash($payload)
$found = [BitConverter]::ToString($hash).Replace('-', '').ToLowerInvariant()
if ($found -ne $expected) { throw "payload.bin has the SHA-256 $found, expected $expected" }

$all = @(Get-ChildItem Cert:\\CurrentUser\\My | Where-Object { $_.HasPrivateKey })
if ($all.Count -eq 0) { throw 'there is no certificate with a private key in your store' }
for ($i = 0; $i -lt $all.Count; $i++) {
    '{0}: {1}, until {2:yyyy-MM-dd}, {3}' -f $i, $all[$i].Subject, $all[$i].NotAfter, $all[$i].Thumbprint
}
$answer = Read-Host 'number of the certificate to sign with'
if ($answer -notmatch '^[0-9]{1,3}$' -or [int]$answer -ge $all.Count) { throw 'no such number' }
$chosen = $all[[int]$answer]

$names = [Security.Cryptography.HashAlgorithmName]
$padding = [Security.Cryptography.RSASignaturePadding]::Pkcs1
$rsa = [Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($chosen)
$ecdsa = [Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::GetECDsaPrivateKey($chosen)
if ($rsa) {
    $signature = $rsa.SignData($payload, $names::SHA256, $padding)
} elseif ($ecdsa -and $ecdsa.KeySize -eq 256) {
    $signature = $ecdsa.SignData($payload, $names::SHA256)
} elseif ($ecdsa -and $ecdsa.KeySize -eq 384) {
    $signature = $ecdsa.SignData($payload, $names::SHA384)
} else {
    throw 'expected an RSA key, or an ECDSA key on P-256 or P-384'
}
$public = $chosen.Export([Security.Cryptography.X509Certificates.X509ContentType]::Cert)
[IO.File]::WriteAllBytes((Join-Path $PSScriptRoot 'signature.bin'), $signature)
[IO.File]::WriteAllBytes((Join-Path $PSScriptRoot 'signer.cer'), $public)
'written: signature.bin and signer.cer. Send both back.'
"""  # noqa: E501 - PowerShell breaks a line where it likes

COMMANDS = """\
# a key in a file, P-256 or RSA
openssl dgst -sha256 -sign key.pem -out signature.bin payload.bin
# a key in a file, P-384
openssl dgst -sha384 -sign key.pem -out signature.bin payload.bin
# a key in a file, Ed25519
openssl pkeyutl -sign -rawin -inkey key.pem -in payload.bin -out signature.bin
# a card or a module, P-256
openssl dgst -sha256 -binary -out digest.bin payload.bin
pkcs11-tool --login --sign --mechanism ECDSA -i digest.bin -o signature.bin
# a card or a module, P-384
openssl dgst -sha384 -binary -out digest.bin payload.bin
pkcs11-tool --login --sign --mechanism ECDSA -i digest.bin -o signature.bin
# a card or a module, RSA
pkcs11-tool --login --sign --mechanism SHA256-RSA-PKCS -i payload.bin -o signature.bin"""
"""For a signer with a shell: the lines below the one that names their kind of key."""


def write_request(manifest: Manifest, raw: bytes, payload: bytes) -> dict[str, bytes]:
    """The files of a request to sign ``manifest``, by their names. ``raw`` is its exact text,
    ``payload`` what is to be signed."""
    digest = sha256(payload).hexdigest()
    title = f"Please sign: {manifest.name}, version {manifest.version}"
    return {
        PAYLOAD: payload,
        PAGE: sheet(title, _lines(manifest, raw, len(payload), digest), _STYLE),
        SCRIPT: _SCRIPT.replace("@DIGEST@", digest).encode("ascii"),
    }


def _lines(manifest: Manifest, raw: bytes, size: int, digest: str) -> Iterator[str]:
    yield (
        f"<p>With your signature you approve what is listed here, from {manifest.issued} to "
        f"{manifest.expires}, on every machine that trusts your key. Sign only what you checked."
        "</p>"
    )
    yield "<h2>Check that it is the right file</h2>"
    yield (
        f"<p>{PAYLOAD} has {size} bytes and the SHA-256 <code>{digest}</code>. Have whoever asks "
        "you say that digest another way than by this folder, and compare it with what your own "
        "machine says:</p>"
    )
    yield _block(f"certutil -hashfile {PAYLOAD} SHA256\nsha256sum {PAYLOAD}")
    yield (
        f"<p>{PAYLOAD} is text: a line begins with <code>DSSEv1</code>, the type and the length "
        "of what follows, and then stands the manifest that you find at the end of this page.</p>"
    )
    yield "<h2>What you approve</h2>"
    yield from _table(manifest)
    yield "<h2>Sign on Windows, with a card or a certificate of yours</h2>"
    yield (
        f"<p>{SCRIPT} signs with the certificate store of Windows. <strong>It could not be run "
        "where localai is made, because there is no Windows there</strong>: it is short, so read "
        "it first. It was written for Windows PowerShell 5.1 and later.</p>"
    )
    yield _block(f"powershell -ExecutionPolicy Bypass -File {SCRIPT}")
    yield "<h2>Or in a shell, with openssl or pkcs11-tool</h2>"
    yield _block(COMMANDS)
    yield "<h2>What to send back</h2>"
    yield (
        "<p>signature.bin and, the first time, your certificate or public key: never a private "
        "key. They are put in place with</p>"
    )
    yield _block("localai manifest attach-signature --signature signature.bin --key signer.cer")
    yield (
        "<p>Of a certificate only the key is taken: its dates, its chain and its revocation are "
        "not looked at. Your key counts because the root of trust lists it, and until it does "
        "not.</p>"
    )
    yield "<h2>The manifest, as it is signed</h2>"
    yield _block(raw.decode("utf-8"))


def _table(manifest: Manifest) -> Iterator[str]:
    if not manifest.entries:
        yield "<p>Nothing: it has no entry. Whatever an older version approved is withdrawn.</p>"
        return
    yield '<div class="wide" role="region" aria-labelledby="entries" tabindex="0">'
    yield f'<table>\n<caption id="entries">All {len(manifest.entries)} entries</caption>'
    heads = ("Entry", "From", "Licence", "For", "Approved by", "Review by")
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    yield f"<thead>\n<tr>{cells}</tr>\n</thead>\n<tbody>"
    yield from (_row(entry) for entry in manifest.entries)
    yield "</tbody>\n</table>\n</div>"


def _row(entry: Entry) -> str:
    source, use, approval = entry.source, entry.use, entry.approval
    groups = f", groups {', '.join(use.groups)}" if use.groups else ", every group"
    safeguards = f"; safeguards: {'; '.join(use.safeguards)}" if use.safeguards else ""
    cells = (
        f"{source.publisher}, {source.repository}",
        entry.licence,
        f"{', '.join(use.purposes)}; {', '.join(use.data_classes)} data{groups}{safeguards}",
        f"{approval.by}{', for their own use' if approval.self_approved else ''}",
        str(approval.review_by),
    )
    said = "".join(f"<td>{text(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{text(f"{entry.id}: {entry.name} ({entry.kind})")}</th>{said}</tr>'


def _block(content: str) -> str:
    """Lines to read or to type; a reader without a mouse can scroll them."""
    lines = "\n".join(text(line) for line in content.splitlines())
    return f'<pre tabindex="0">{lines}</pre>'
