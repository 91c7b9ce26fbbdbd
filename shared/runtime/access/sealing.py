"""Publishers' keys: how they are made, written for people, and sealed at rest."""

import base64
import binascii
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
MASTER_KEY_BYTES = 32
_NONCE_BYTES = 12
_PREFIX = "whsec_"


class SealError(Exception):
    """A key file or a sealed key that cannot be used; the text says what to do."""


def new_key() -> bytes:
    """A fresh HMAC key of a publisher."""
    return secrets.token_bytes(KEY_BYTES)


def show_key(key: bytes) -> str:
    """The form that a publisher is given: `whsec_<base64>`."""
    return _PREFIX + base64.b64encode(key).decode()


def read_key(text: str) -> bytes:
    """The HMAC key in `whsec_<base64>`. Raises SealError for anything else."""
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise SealError("a key is whsec_ followed by base64") from error


class Sealer:
    """Seals keys with AES-256-GCM; a sealed key opens only under the name it was sealed for."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != MASTER_KEY_BYTES:
            raise SealError(f"the master key must have {MASTER_KEY_BYTES} bytes, not {len(master_key)}")
        self._cipher = AESGCM(master_key)

    @classmethod
    def from_file(cls, path: Path) -> "Sealer":
        """The sealer of a master key file: one line, the base64 of 32 bytes."""
        try:
            return cls(base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True))
        except (OSError, UnicodeDecodeError, binascii.Error) as error:
            raise SealError(
                f"the master key file {path} cannot be read ({error}); it holds the base64 of "
                f"{MASTER_KEY_BYTES} bytes, and every service of a system needs the same one"
            ) from error

    def seal(self, publisher: str, key: bytes) -> bytes:
        """Nonce and ciphertext of `key`."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, publisher.encode())

    def open(self, publisher: str, sealed: bytes) -> bytes:
        """The key again. Raises SealError when the master key or the publisher is another one."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], publisher.encode())
        except InvalidTag as error:
            raise SealError(
                f"a key of publisher {publisher} does not open: this service has another master key file "
                "than the one it was sealed with"
            ) from error


def write_master_key(path: Path) -> None:
    """Make a master key file, readable by its owner only. Raises FileExistsError rather than replace one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode() + "\n")
