"""Time and randomness, injected: everything that needs "now" or random bytes asks here, so that a whole working year
can be played from one seed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Protocol
from zoneinfo import ZoneInfo

PLACE = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    def now(self) -> dt.datetime: ...

    def random_bytes(self, count: int) -> bytes: ...


class SystemClock:
    """The machine's own clock and random numbers."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)


class SimulatedClock:
    """A clock that stands until it is moved, and random bytes from a seed; for simulations, demo data and tests."""

    def __init__(self, at: dt.datetime, seed: int = 0) -> None:
        self.at, self._random = at, random.Random(seed)

    def now(self) -> dt.datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += dt.timedelta(**span)

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


_SYSTEM = SystemClock()
_current: ContextVar[Clock] = ContextVar("clock", default=_SYSTEM)


@contextlib.contextmanager
def using(clock: Clock) -> Iterator[Clock]:
    """Let ``clock`` tell the time within the block."""
    token = _current.set(clock)
    try:
        yield clock
    finally:
        _current.reset(token)


def is_simulated() -> bool:
    return _current.get() is not _SYSTEM


def now() -> dt.datetime:
    """The present moment, in UTC."""
    return _current.get().now()


def today() -> dt.date:
    """The present day in China."""
    return now().astimezone(PLACE).date()


def random_bytes(count: int) -> bytes:
    return _current.get().random_bytes(count)


def uuid7() -> uuid.UUID:
    """A random id that sorts by time (RFC 9562, version 7); what is shown outside, so that nothing can be counted."""
    milliseconds = int(now().timestamp() * 1000)
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(random_bytes(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
