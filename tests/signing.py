"""DKIM signatures of the test's own, and the name server that knows their key."""

import base64
from collections.abc import Sequence
from functools import lru_cache

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

COVERED = ("from", "to", "cc", "subject", "date", "content-type")


@lru_cache(maxsize=1)
def key() -> tuple[bytes, bytes]:
    """A private key in PEM, and the record that publishes its other half."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def dns(name: bytes, **_: object) -> bytes:
    """Answer every question with the key's record."""
    assert b"_domainkey." in name
    return key()[1]


def signed(
    mail: bytes,
    *,
    covering: Sequence[str] = COVERED,
    domain: str = "example.se",
    relaxed: bool = True,
    length: bool = False,
) -> bytes:
    """The mail with a signature over those fields; a field that is not there is signed as absent.

    In simple form white space counts, in relaxed form it does not.
    """
    form = b"relaxed" if relaxed else b"simple"
    crlf = mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    fields = [name.encode() for name in covering]
    return (
        dkim.sign(
            crlf,
            b"s",
            domain.encode(),
            key()[0],
            include_headers=fields,
            canonicalize=(form, form),
            length=length,
        )
        + crlf
    )
