"""Checkpoints: the heads of all chains, signed with Ed25519, to be kept outside (paper, the neighbour's server).

A chain that was cut off, or rebuilt from its beginning, is whole in itself; only a head that was kept elsewhere shows it.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import transaction

from jiuji import clock

from .chain import Head, canonical
from .models import ChainHead
from .services import record


def checkpoint(key_file: Path | None) -> str:
    """The present heads as JSON, one object a line: chain, number, digest, at, public_key, signature."""
    key = _key(key_file) if key_file is not None else None
    with transaction.atomic():
        record("checkpoint_made", division_code="150000", data={"signed": key is not None})
    lines = []
    for head in ChainHead.objects.filter(number__gt=0).order_by("chain"):
        entry = {"chain": head.chain, "number": head.number, "digest": head.digest, "at": clock.now().isoformat()}
        if key is not None:
            public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            entry["public_key"] = base64.b64encode(public).decode()
            entry["signature"] = base64.b64encode(key.sign(canonical(entry))).decode()
        lines.append(json.dumps(entry, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def read_checkpoint(text: str) -> dict[str, Head]:
    """The heads of a checkpoint. Raises ValueError where a signature does not hold."""
    heads = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        entry = json.loads(line)
        signature = entry.pop("signature", None)
        if signature is not None:
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(entry["public_key"]))
            try:
                public.verify(base64.b64decode(signature), canonical(entry))
            except InvalidSignature:
                raise ValueError(
                    f"{entry['chain']}: 检查点的签名不对 the signature of the checkpoint does not hold"
                ) from None
        heads[entry["chain"]] = Head(entry["chain"], int(entry["number"]), entry["digest"])
    return heads


def _key(path: Path) -> Ed25519PrivateKey:
    if not path.is_file():
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
    loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise ValueError(f"{path}: 不是 Ed25519 私钥 not an Ed25519 private key")
    return loaded
