"""A seal: only the same secret opens it, and no change goes unseen (AES-GCM, HKDF)."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class Seal:
    """Made of a secret of any length; a text closed for one purpose opens for no other."""

    def __init__(self, secret: str, purpose: bytes) -> None:
        """Derive the key."""
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
        self._cipher = AESGCM(derived.derive(secret.encode()))
        self._purpose = purpose

    def close(self, plain: bytes) -> bytes:
        """Encrypt; without the secret, a reader of the result learns nothing."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, self._purpose)

    def open(self, sealed: bytes) -> bytes:
        """The plain text; ValueError if it was changed, or closed with another secret."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._purpose)
        except InvalidTag:
            raise ValueError("not closed with this secret, or changed since") from None
