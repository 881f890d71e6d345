"""The hash chain, in plain Python.

An event's *body* is its canonical JSON (RFC 8785: keys sorted, no spaces, one way to write a number), as bytes. Its
digest is ``H(previous digest ‖ body)``, so that each digest vouches for everything before it. The first event of a
chain follows the digest of the chain's own name. What is hashed is the stored body, never what a database makes of
JSON. Whoever cuts off the end leaves a whole chain: only a head kept elsewhere (a checkpoint) shows that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import rfc8785

ALGORITHMS = ("sha256", "sm3")
_HEX = re.compile(r"[0-9a-f]{64}\Z")


def canonical(event: dict[str, Any]) -> bytes:
    """The bytes that are hashed and stored."""
    return bytes(rfc8785.dumps(event))


def digest(algorithm: str, previous: str, body: bytes) -> str:
    """The next link, as 64 hexadecimal digits. Raises ValueError for an unknown algorithm."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown algorithm {algorithm}")
    return hashlib.new(algorithm, bytes.fromhex(previous) + body).hexdigest()


def genesis(chain: str) -> str:
    """What the first event of a chain follows."""
    return hashlib.sha256(f"jiuji chain {chain}".encode()).hexdigest()


@dataclass(frozen=True)
class Link:
    """One event as it is stored."""

    chain: str
    number: int
    algorithm: str
    previous: str
    digest: str
    body: bytes


@dataclass(frozen=True)
class Broken:
    """The first link of a chain that does not hold, and why."""

    chain: str
    number: int
    zh: str
    en: str


@dataclass(frozen=True)
class Head:
    """The end of a chain: how many events, and the digest of the last."""

    chain: str
    number: int
    digest: str


def verify(links: Iterable[Link], heads: dict[str, Head] | None = None) -> Iterator[Broken | Head]:
    """Walk chains in the order (chain, number); yield each chain's head, or its first broken link.

    ``heads``: known ends (from a checkpoint, or the table of heads); a chain that is shorter than its known end or
    passes it with another digest is broken there.
    """
    known = dict(heads or {})
    chain: str | None = None
    number, previous, broken = 0, "", False

    def finish() -> Iterator[Broken | Head]:
        if chain is None or broken:
            return
        end = known.pop(chain, None)
        if end is not None and end.number > number:
            yield Broken(
                chain,
                number + 1,
                f"链在第 {number} 条之后被截断：应至少有 {end.number} 条",
                f"the chain is cut off after event {number}: it had at least {end.number}",
            )
        else:
            yield Head(chain, number, previous)

    for link in links:
        if link.chain != chain:
            yield from finish()
            chain, number, previous, broken = link.chain, 0, genesis(link.chain), False
        if broken:
            continue
        fault = _fault(link, number + 1, previous)
        end = known.get(link.chain)
        if fault is None and end is not None and end.number == link.number and end.digest != link.digest:
            fault = ("与已留存的链头不符", "it differs from the head that was kept")
        if fault is not None:
            broken = True
            known.pop(link.chain, None)
            yield Broken(link.chain, number + 1, *fault)
            continue
        number, previous = link.number, link.digest
    yield from finish()
    for end in known.values():
        if end.number and chain != end.chain:
            yield Broken(
                end.chain, 1, f"整条链不见了：应有 {end.number} 条", f"the whole chain of {end.number} is gone"
            )


def _fault(link: Link, number: int, previous: str) -> tuple[str, str] | None:
    if link.number != number:
        return f"编号为 {link.number}，应为 {number}", f"its number is {link.number}, not {number}"
    if not _HEX.match(link.previous) or not _HEX.match(link.digest) or link.algorithm not in ALGORITHMS:
        return "摘要或算法的写法不对", "its digest or algorithm is not well written"
    if link.previous != previous:
        return "没有接在前一条之后", "it does not follow the one before"
    if digest(link.algorithm, link.previous, link.body) != link.digest:
        return "内容与摘要不符", "its content does not match its digest"
    return None
