"""Row scope: nobody sees a row outside the division of the role they hold, and without a scope nobody sees any.

A scoped model names the column with its division code. Its default manager asks for the active scope; where none is
active it raises, so that a forgotten scope fails in the first test and not in the next county. Codes are hierarchical,
so a scope is a range of codes that both databases answer from an index.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class NoScope(RuntimeError):
    """A scoped table was asked without an active scope."""


@dataclass(frozen=True)
class Scope:
    """All divisions whose code begins with ``prefix``; ``why`` names what the whole is needed for."""

    prefix: str
    why: str = ""

    def holds(self, code: str) -> bool:
        return code.startswith(self.prefix)


NOTHING = Scope("-", "no role that sees cases")
_current: ContextVar[Scope | None] = ContextVar("scope", default=None)


def current() -> Scope | None:
    return _current.get()


@contextlib.contextmanager
def within(scope: Scope) -> Iterator[Scope]:
    """Let everything inside the block see the rows of this scope, and no others."""
    token = _current.set(scope)
    _tell_database(scope)
    try:
        yield scope
    finally:
        _current.reset(token)
        _tell_database(_current.get())


@contextlib.contextmanager
def everything(why: str) -> Iterator[Scope]:
    """The whole, for the system's own work; ``why`` says for what."""
    with within(Scope("", why)) as scope:
        yield scope


def _tell_database(scope: Scope | None) -> None:
    """PostgreSQL's row security is the second wall; it reads the scope from the session."""
    if connection.vendor == "postgresql" and not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('jiuji.scope', %s, false)", [scope.prefix if scope else "-"])


class ScopedManager(models.Manager[M]):
    """The rows of the active scope. ``field`` is the column with the division code."""

    def __init__(self, field: str = "division_code") -> None:
        super().__init__()
        self.field = field

    def get_queryset(self) -> models.QuerySet[M]:
        scope = _current.get()
        if scope is None:
            raise NoScope(f"{self.model.__name__} was asked without a scope")
        rows = super().get_queryset()
        return rows if scope.prefix == "" else rows.filter(**bounds(self.field, scope.prefix))

    def deconstruct(self) -> Any:
        return super().deconstruct()


def bounds(field: str, prefix: str) -> dict[str, str]:
    """``field`` begins with ``prefix``, as a range that an index answers on both databases."""
    return {f"{field}__gte": prefix, f"{field}__lt": prefix + ":"}  # ':' follows '9'
