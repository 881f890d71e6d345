"""Who acts: a person in a role, held at an office; or the system itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """Whoever an event is written under. ``division_code`` and ``prefix`` are those of the role held."""

    id: str
    name: str
    role: str = ""
    role_label: str = ""
    office: str = ""
    division_code: str = "150000"
    prefix: str = ""
    address: str = ""


SYSTEM = Actor("", "系统", "system", "系统")
_current: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def current() -> Actor:
    return _current.get()


@contextlib.contextmanager
def acting(actor: Actor) -> Iterator[Actor]:
    """Everything recorded within the block is recorded under this actor."""
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)
