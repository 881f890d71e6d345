"""Keys of protected identifiers: encrypt, decrypt, and blind indexes. Knows nothing of Django.

A *token* is what stands in the database: ``v1.<key id>.<base64url of nonce, ciphertext, tag>``. Its place
(``table.column.uid``) is authenticated with it, so a token that is moved to another row or column no longer opens.

A *blind index* is a keyed hash of a number's canonical spelling: equal numbers meet in it, and without the key, which is
not in the database, it cannot be searched by trying all numbers.

The keys are one JSON text (``new_keys`` makes one). For each purpose one key is current and writes; the others only read::

    {"current": {"encrypt": "2026a", "index": "2026b"},
     "keys": [{"id": "2026a", "purpose": "encrypt", "algorithm": "aes-256-gcm", "key": "<base64>"},
              {"id": "2026b", "purpose": "index", "algorithm": "hmac-sha256", "key": "<base64>"}]}

Nonces are random, so one key may write 2³² values (NIST SP 800-38D, 8.3), far more than a province has. They must never
come from a simulated, repeatable source: a repeated nonce gives the plaintext away.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from jiuji.rulebook.errors import JiujiError

from .numbers import canonical

RandomBytes = Callable[[int], bytes]

_VERSION: Final = "v1"
_NONCE: Final = 12
_TAG: Final = 16
_TOKEN: Final = re.compile(r"v1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)", re.ASCII)
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)

_CIPHERS: Final[dict[str, Callable[[bytes], Any]]] = {"aes-256-gcm": algorithms.AES, "sm4-gcm": algorithms.SM4}
_HASHES: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {"hmac-sha256": hashes.SHA256, "hmac-sm3": hashes.SM3}
# Algorithms of each purpose, with the length of their key in bytes.
ALGORITHMS: Final[dict[str, dict[str, int]]] = {
    "encrypt": {"aes-256-gcm": 32, "sm4-gcm": 16},
    "index": {"hmac-sha256": 32, "hmac-sm3": 32},
}


class KeyRingError(JiujiError):
    """The keys cannot be used as given. Never repeats a key."""


class TamperedValue(JiujiError):
    """A token that does not open: changed, or moved from another row or column."""


class UnknownKey(TamperedValue):
    """A token whose key is not in the ring."""


@dataclass(frozen=True)
class Key:
    """One key of the ring; its secret is never printed."""

    id: str
    purpose: str
    algorithm: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _KEY_ID.fullmatch(self.id):
            raise KeyRingError(
                f"密钥编号 {self.id!r} 只能由 1 至 32 个字母、数字、- 或 _ 组成。",
                f"The key id {self.id!r} may only have 1 to 32 letters, digits, - or _.",
            )
        lengths = ALGORITHMS.get(self.purpose)
        if lengths is None:
            raise KeyRingError(
                f"密钥 {self.id} 的用途应为 encrypt 或 index。",
                f"The purpose of key {self.id} must be encrypt or index.",
            )
        if self.algorithm not in lengths:
            choices = "、".join(lengths), ", ".join(lengths)
            raise KeyRingError(
                f"密钥 {self.id} 的算法应为 {choices[0]} 之一。",
                f"The algorithm of key {self.id} must be one of {choices[1]}.",
            )
        if len(self.secret) != lengths[self.algorithm]:
            raise KeyRingError(
                f"密钥 {self.id} 应为 {lengths[self.algorithm]} 字节，现为 {len(self.secret)} 字节。",
                f"Key {self.id} must have {lengths[self.algorithm]} bytes, not {len(self.secret)}.",
            )


class KeyRing:
    """The keys in use. Of each purpose the current key writes and all keys read."""

    def __init__(self, keys: list[Key], current: Mapping[str, str], rng: RandomBytes = os.urandom) -> None:
        self._keys = {(key.purpose, key.id): key for key in keys}
        if len(self._keys) != len(keys):
            raise KeyRingError("密钥编号重复，请改正。", "A key id stands twice; correct it.")
        for purpose in ALGORITHMS:
            if (purpose, current.get(purpose)) not in self._keys:
                raise KeyRingError(
                    f"current 中没有写明用途 {purpose} 的现用密钥，或该密钥不在 keys 中。",
                    f"“current” names no {purpose} key, or one that is not among “keys”.",
                )
        self._encrypt = self._keys["encrypt", current["encrypt"]]
        self._index = self._keys["index", current["index"]]
        self._index_keys = [self._index, *(k for k in keys if k.purpose == "index" and k is not self._index)]
        self._rng = rng

    @classmethod
    def parse(cls, text: str, rng: RandomBytes = os.urandom) -> KeyRing:
        """Read the JSON text of the keys. Raises KeyRingError."""
        try:
            data = json.loads(text)
            stated = [(k["id"], k["purpose"], k["algorithm"], k["key"]) for k in data["keys"]]
            current = dict(data["current"])
        except (ValueError, KeyError, TypeError):
            # The cause is cut off: its text may hold a piece of a key.
            raise KeyRingError(
                "密钥文件应为 JSON，含 current 和 keys，每个密钥有 id、purpose、algorithm、key。",
                "The keys must be JSON with “current” and “keys”, each key with id, purpose, algorithm and key.",
            ) from None
        return cls([Key(str(i), str(p), str(a), _secret(str(i), k)) for i, p, a, k in stated], current, rng)

    def __repr__(self) -> str:
        return f"<KeyRing writing with {self.current_encrypt_key} and {self.current_index_key}>"

    @property
    def current_encrypt_key(self) -> str:
        """The id of the key that encrypts new values."""
        return self._encrypt.id

    @property
    def current_index_key(self) -> str:
        """The id of the key that makes new blind indexes."""
        return self._index.id

    def encrypt(self, plaintext: str, aad: str) -> str:
        """A token for ``plaintext``, which opens only with the same ``aad`` (``table.column.uid``)."""
        key, nonce = self._encrypt, self._rng(_NONCE)
        sealing = Cipher(_CIPHERS[key.algorithm](key.secret), modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(_authenticated(key, aad))
        sealed = sealing.update(plaintext.encode()) + sealing.finalize()
        return f"{_VERSION}.{key.id}.{_to_text(nonce + sealed + sealing.tag)}"

    def decrypt(self, token: str, aad: str) -> str:
        """The plaintext of ``token``. Raises TamperedValue, or UnknownKey where its key is not in the ring."""
        key_id, body = _parts(token)
        key = self._keys.get(("encrypt", key_id))
        if key is None:
            raise UnknownKey(
                "受保护的号码所用的密钥不在密钥文件中，请联系系统管理员恢复该密钥。",
                "The key of a protected number is not among the keys; ask the administrator to restore it.",
                key=key_id,
            )
        nonce, sealed, tag = body[:_NONCE], body[_NONCE:-_TAG], body[-_TAG:]
        opening = Cipher(_CIPHERS[key.algorithm](key.secret), modes.GCM(nonce, tag)).decryptor()
        opening.authenticate_additional_data(_authenticated(key, aad))
        try:
            return (opening.update(sealed) + opening.finalize()).decode()
        except InvalidTag:
            raise _tampered() from None

    def is_current(self, token: str) -> bool:
        """Whether ``token`` was made with the current key."""
        return key_of(token) == self._encrypt.id

    def blind_index(self, kind: str, text: str) -> str:
        """64 hex digits under the current index key; one value for all spellings of a number of one kind."""
        return self.blind_indexes(kind, text)[0]

    def blind_indexes(self, kind: str, text: str) -> list[str]:
        """The blind index under every index key, the current one first: what a lookup must try during rotation."""
        message = _indexed(kind, text)
        return [_mac(key, message) for key in self._index_keys]

    def index_key_of(self, kind: str, text: str, digest: str) -> str | None:
        """The id of the index key under which ``digest`` is the blind index of a number, if any."""
        message = _indexed(kind, text)
        return next((key.id for key in self._index_keys if _mac(key, message) == digest), None)


def key_of(token: str) -> str:
    """The id of the key that made a token. Raises TamperedValue where it is no token."""
    return _parts(token)[0]


def is_token(text: str) -> bool:
    """Whether ``text`` has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def new_keys(cipher: str = "aes-256-gcm", rng: RandomBytes = os.urandom) -> str:
    """The JSON text of a fresh pair of keys: ``aes-256-gcm`` with HMAC-SHA256, or ``sm4-gcm`` with HMAC-SM3."""
    if cipher not in ALGORITHMS["encrypt"]:
        raise KeyRingError(
            f"没有算法 {cipher}，可用 aes-256-gcm 或 sm4-gcm。", f"There is no {cipher}; use aes-256-gcm or sm4-gcm."
        )
    index = "hmac-sm3" if cipher == "sm4-gcm" else "hmac-sha256"
    return with_new_key(with_new_key("", "encrypt", cipher, rng), "index", index, rng)


def with_new_key(text: str, purpose: str, algorithm: str, rng: RandomBytes = os.urandom, current: bool = True) -> str:
    """The JSON text ``text`` with one more random key, which becomes the current one of its purpose.

    ``current=False`` only adds it for reading: where several processes run, all must know a key before one writes with it.
    """
    data = json.loads(text) if text else {"current": {}, "keys": []}
    key = Key(rng(6).hex(), purpose, algorithm, rng(ALGORITHMS.get(purpose, {}).get(algorithm, 32)))
    secret = base64.b64encode(key.secret).decode()
    data["keys"].append({"id": key.id, "purpose": purpose, "algorithm": algorithm, "key": secret})
    if current:
        data["current"][purpose] = key.id
    return json.dumps(data, indent=1)


def _secret(key_id: str, text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise KeyRingError(f"密钥 {key_id} 不是 base64，请改正。", f"Key {key_id} is not base64; correct it.") from None


def _authenticated(key: Key, aad: str) -> bytes:
    # A key id has no dot, so that no two pairs of key and place give the same bytes.
    return f"{_VERSION}.{key.id}.{aad}".encode()


def _indexed(kind: str, text: str) -> bytes:
    spelling = canonical(kind, text)
    if not spelling:
        raise ValueError("an empty number has no blind index: all of them would meet")
    return f"jiuji.index.{kind}.{spelling}".encode()


def _mac(key: Key, message: bytes) -> str:
    mac = hmac.HMAC(key.secret, _HASHES[key.algorithm]())
    mac.update(message)
    return mac.finalize().hex()


def _to_text(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def _parts(token: str) -> tuple[str, bytes]:
    match = _TOKEN.fullmatch(token)
    if not match:
        raise _tampered()
    try:
        body = base64.urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4))
    except binascii.Error:
        raise _tampered() from None
    # The last character has bits to spare: a token is accepted in one spelling only, so that no change goes unseen.
    if len(body) < _NONCE + _TAG or _to_text(body) != match[2]:
        raise _tampered()
    return match[1], body


def _tampered() -> TamperedValue:
    return TamperedValue(
        "受保护的号码无法解开：密文被改动，或不是这一行、这一列的。请联系系统管理员，不要改写。",
        "A protected number does not open: its ciphertext was changed or belongs to another row or column. "
        "Ask the administrator, and do not overwrite it.",
    )
