#!/usr/bin/env python3
"""核对导出的审计链 / Verify an exported audit chain. The standard library only: no Django, nothing of Jiuji.

    python verify_chain.py EXPORT [--checkpoint FILE]… [--public-key HEX]        (EXPORT "-" reads standard input)

*Export*: one event a line, each line canonical JSON (RFC 8785) and ended by a line feed:

    {"algorithm":"sha256","body":"{…}","chain":"150199","digest":"64 hex","number":1,"previous":"64 hex"}

``body`` is the event as canonical JSON text; it names its own ``chain`` and ``number`` again, and ``recorded_at``
(UTC, always written alike), which never goes back. ``digest`` = H(bytes of previous ‖ UTF-8 of body), H = sha256 or
sm3. Numbers run from 1 without a gap; number 1 follows SHA-256("jiuji chain " + chain). One file may hold several
chains; the first broken record of each is named.

*Checkpoint*: the head of a chain as it was kept OUTSIDE (a neighbour's server, paper), one or more lines:

    {"at":"…","chain":"150199","digest":"64 hex","number":812,"public_key":"64 hex","signature":"128 hex"}

Ed25519 over the canonical JSON of at, chain, digest and number. Without a checkpoint nobody can see that the end was
cut off, that an older file was put back, or that the whole chain was written anew. ``--public-key`` is the key as
published on paper: without it a forger's own key would pass.

Ends with 0: holds; 1: broken; 2: cannot be read; 3: holds, but a signature could not be checked.
"""

from __future__ import annotations

import argparse
import contextlib
import decimal
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

FIELDS = {"algorithm", "body", "chain", "digest", "number", "previous"}
SIGNED = ("at", "chain", "digest", "number")
MOST = 2**53 - 1
_HEX = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_CHAIN = re.compile(r"[0-9]{6}")
_NAMED = re.compile(rb'"chain":"([0-9]{6})"')  # not within a body: there the quotes are escaped
_BEYOND = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")


# --- canonical JSON (RFC 8785) --------------------------------------------------------------------------


class _Unusual(Exception):
    """A number or a character for which Python's own JSON is not surely canonical."""


def _unusual(_text: str) -> NoReturn:
    raise _Unusual


def _integer(text: str) -> int:
    if len(text) > 15 or text == "-0":
        raise _Unusual
    return int(text)


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_quote = json.JSONEncoder(ensure_ascii=False).encode
_read = json.JSONDecoder(parse_float=_unusual, parse_int=_integer, parse_constant=_constant).decode
_read_any = json.JSONDecoder(parse_int=float, parse_constant=_constant).decode


def _number(value: float) -> str:
    """As ECMAScript writes a number."""
    if value == 0:
        return "0"
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    figures, point = "".join(map(str, digits)), len(digits) + int(exponent)
    if point > 21 or point < -5:
        power = f"e{point - 1:+d}"
        text = f"{figures[0]}.{figures[1:]}{power}" if len(figures) > 1 else figures + power
    elif point <= 0:
        text = "0." + "0" * -point + figures
    else:
        text = figures.ljust(point, "0")
        text = text if len(figures) <= point else f"{text[:point]}.{text[point:]}"
    return "-" + text if sign else text


def canonical(value: Any) -> str:
    """The one way to write a value. Raises ValueError for what JSON cannot hold."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        if isinstance(value, float) and value - value != 0:
            raise ValueError("not a number")
        return str(value) if isinstance(value, int) and abs(value) <= MOST else _number(float(value))
    if isinstance(value, str):
        value.encode()
        return _quote(value)
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_quote(name)}:{canonical(value[name])}" for name in names) + "}"
    return "[" + ",".join(map(canonical, value)) + "]"


def read_canonical(text: str) -> Any:
    """The value of a canonical text. Raises ValueError where it is not JSON, or not written the one way."""
    try:
        if _BEYOND.search(text):
            raise _Unusual
        value = _read(text)
        written = _write(value)
    except _Unusual:
        value = _read_any(text)
        written = canonical(value)
    if written != text:
        raise ValueError("it is not written the one way (RFC 8785)")
    return value


# --- the walk along the chains --------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """The end of a chain that holds; ``since`` events lie after the last checkpoint (None: there was none)."""

    chain: str
    number: int
    digest: str
    since: int | None = None

    def __str__(self) -> str:
        text = f"完好 holds: 链 chain {self.chain}, {self.number} 条 events, {self.digest}"
        if self.since is None:
            text += "\n  没有检查点：末尾被截断、整条链被改写都看不出。"
            text += "No checkpoint: a cut-off end or a chain written anew would not show."
        elif self.since:
            text += f"\n  最后 {self.since} 条在检查点之后。The last {self.since} came after the checkpoint."
        return text


@dataclass(frozen=True)
class Broken:
    """The first record of a chain that does not hold: its line (None: missing at the end), its number, why."""

    line: int | None
    chain: str
    number: int
    zh: str
    en: str

    def __str__(self) -> str:
        line = f"第 {self.line} 行 line {self.line}, " if self.line else ""
        place = f"{line}链 chain {self.chain}, 第 {self.number} 条 event {self.number}"
        return f"断开 BROKEN: {place}: {self.zh}。{self.en}."


class Walk:
    """What was seen so far. ``checkpoints``: kept heads, by chain and number."""

    def __init__(self, checkpoints: dict[str, dict[int, str]] | None = None) -> None:
        self.checkpoints = checkpoints or {}
        self.at: dict[str, tuple[int, str, str]] = {}  # chain → number, digest, recorded_at of its last event
        self.broken: set[str] = set()
        self.line, self.chain = 0, "?"

    def step(self, raw: bytes) -> Broken | None:
        """Take one line, with its line feed; the fault if its chain breaks here."""
        self.line += 1
        event: dict[str, Any] = {}
        try:
            event, body = _event(raw)
            self.chain = event["chain"]
            fault = self._fault(event, body)
        except (ValueError, RecursionError) as form:
            if named := _NAMED.search(raw):
                self.chain = named[1].decode()
            fault = f"这一行不成立（{form}）", f"this line does not hold ({form})"
        if self.chain in self.broken:
            return None
        if fault:
            self.broken.add(self.chain)
            return Broken(self.line, self.chain, self.at.get(self.chain, (0,))[0] + 1, *fault)
        self.at[self.chain] = (event["number"], event["digest"], body.get("recorded_at", ""))
        return None

    def _fault(self, event: dict[str, Any], body: dict[str, Any]) -> tuple[str, str] | None:
        chain, number, digest = event["chain"], event["number"], event["digest"]
        last, previous, moment = self.at.get(chain) or (0, genesis(chain), "")
        if (body.get("chain"), body.get("number")) != (chain, number):
            return "内容属于另一条", "its content belongs to another event"
        if number != last + 1:
            return f"此处的编号是 {number}", f"number {number} stands in its place"
        if event["previous"] != previous:
            return "没有接在前一条之后", "it does not follow the one before"
        if HASHES[event["algorithm"]](bytes.fromhex(previous) + event["body"].encode()).hexdigest() != digest:
            return "内容与摘要不符", "its content does not match its digest"
        recorded = body.get("recorded_at", "")
        if not isinstance(recorded, str) or recorded < moment:
            return "记录时间倒退", "its time of recording goes back"
        kept = self.checkpoints.get(chain, {})
        if kept.get(number, digest) != digest:
            first = max((n for n in kept if n < number), default=0) + 1
            zh = f"与检查点不符：第 {first} 至 {number} 条中有改写"
            return zh, f"it differs from the checkpoint: something within events {first} to {number} was written anew"
        return None

    def finish(self) -> Iterator[Broken | Head]:
        """What only shows at the end: chains that stop before their checkpoint; and the heads of those that hold."""
        for chain in sorted((self.checkpoints.keys() | self.at.keys()) - self.broken):
            number, digest, _ = self.at.get(chain, (0, "", ""))
            kept = max(self.checkpoints.get(chain, {}), default=None)
            if kept is not None and kept > number:
                zh = f"末尾被截断，或换成了旧文件：检查点时已有 {kept} 条"
                en = f"the end was cut off, or an older file put back: the checkpoint had {kept} events"
                yield Broken(None, chain, number + 1, zh, en)
            else:
                yield Head(chain, number, digest, None if kept is None else number - kept)


def genesis(chain: str) -> str:
    return hashlib.sha256(f"jiuji chain {chain}".encode()).hexdigest()


def _sm3(data: bytes) -> Any:
    try:
        return hashlib.new("sm3", data)
    except ValueError:
        raise LookupError("本机 Python 没有 SM3 this Python has no SM3") from None


HASHES: dict[str, Callable[[bytes], Any]] = {"sha256": hashlib.sha256, "sm3": _sm3}


def _event(raw: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """A line and its body, read. Raises ValueError with what is wrong in its form."""
    if not raw.endswith(b"\n"):
        raise ValueError("the line is cut off")
    text = raw[:-1].decode()
    event = json.loads(text)
    if not isinstance(event, dict) or event.keys() != FIELDS:
        raise ValueError("its fields are not " + ", ".join(sorted(FIELDS)))
    algorithm, body, chain, digest, number, previous = (event[name] for name in sorted(FIELDS))
    if type(number) is not int or not 0 < number <= MOST or not isinstance(body, str):
        raise ValueError("its number or body is not well written")
    if not isinstance(algorithm, str) or algorithm not in HASHES or not _is(_CHAIN, chain):
        raise ValueError("its algorithm or chain is unknown")
    if not _is(_HEX, digest) or not _is(_HEX, previous):
        raise ValueError("its digest is not 64 small hexadecimal digits")
    if text != (
        f'{{"algorithm":"{algorithm}","body":{_quote(body)},"chain":"{chain}",'
        f'"digest":"{digest}","number":{number},"previous":"{previous}"}}'
    ):
        raise ValueError("it is not written the one way (RFC 8785)")
    content = read_canonical(body)
    if not isinstance(content, dict):
        raise ValueError("its body is not an event")
    return event, content


def _is(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def verify(lines: Iterable[bytes], checkpoints: dict[str, dict[int, str]] | None = None) -> Iterator[Broken | Head]:
    """The first broken record of each chain, in the order of the file; then the heads of the chains that hold."""
    walk = Walk(checkpoints)
    yield from filter(None, map(walk.step, lines))
    yield from walk.finish()


# --- checkpoints and the command ------------------------------------------------------------------------


def read_checkpoints(lines: Iterable[bytes], public_key: str | None = None) -> tuple[dict[str, dict[int, str]], bool]:
    """Kept heads by chain and number, and whether signatures could be checked. Raises ValueError for a false one."""
    heads: dict[str, dict[int, str]] = {}
    ed25519: Any = None
    with contextlib.suppress(ImportError):
        from cryptography.hazmat.primitives.asymmetric import ed25519
    for count, raw in enumerate(lines, 1):
        try:
            kept = read_canonical(raw.decode().removesuffix("\n"))
            chain, number, digest, key = kept["chain"], kept["number"], kept["digest"], kept["public_key"]
            if kept.keys() != {*SIGNED, "public_key", "signature"} or type(number) is not int or number < 0:
                raise ValueError("it is not a checkpoint")
            if not (_is(_CHAIN, chain) and _is(_HEX, digest) and _is(_HEX, key) and _is(_SIGNATURE, kept["signature"])):
                raise ValueError("it is not well written")
            if public_key not in (None, key):
                raise ValueError("it is signed with another key than the published one")
            if ed25519:
                message = canonical({name: kept[name] for name in SIGNED}).encode()
                signer = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
                signer.verify(bytes.fromhex(kept["signature"]), message)
            if heads.setdefault(chain, {}).setdefault(number, digest) != digest:
                raise ValueError("it contradicts another checkpoint")
        except Exception as fault:
            raise ValueError(f"line {count}: {str(fault) or 'the signature is false'}") from fault
    return heads, bool(ed25519)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", help="the exported chain; - for standard input")
    parser.add_argument("--checkpoint", action="append", default=[], metavar="FILE", help="a head kept outside")
    parser.add_argument("--public-key", metavar="HEX", help="the published key that checkpoints are signed with")
    given = parser.parse_args(arguments)
    try:
        kept = [line for path in given.checkpoint for line in Path(path).read_bytes().splitlines(keepends=True)]
        heads, signed = read_checkpoints(kept, given.public_key)
        whole = True
        with sys.stdin.buffer if given.export == "-" else open(given.export, "rb") as file:
            for end in verify(file, heads):
                print(end)
                whole &= isinstance(end, Head)
    except ValueError as fault:
        print(f"检查点不成立。The checkpoint does not hold: {fault}.")
        return 1
    except (OSError, LookupError) as fault:
        print(f"无法核对。It cannot be verified: {fault}.", file=sys.stderr)
        return 2
    if kept and not signed:
        print("未核对签名：没有 cryptography 库。The signature was NOT checked: the library cryptography is missing.")
        return 3 if whole else 1
    if kept and not given.public_key:
        print(
            "签名相符，但公钥取自检查点本身，请与公布的对照。The signature is true to the checkpoint's own key;",
            end=" ",
        )
        print("compare that with the published one.")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
