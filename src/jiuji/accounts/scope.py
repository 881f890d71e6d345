"""Row scope: nobody sees a row outside the division of the role they hold, and without a scope nobody sees any.

A scoped model is ``Placed`` and its default manager asks for the active scope; where none is active it raises, so that
a forgotten scope fails in the first test and not in the next county. Codes are hierarchical: the scope of a county is
every code that begins with its six digits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from django.db import connection, models
from django.db.models.functions import Substr

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
    """The rows of the active scope of a model that is ``Placed``."""

    def get_queryset(self) -> models.QuerySet[M]:
        scope = _current.get()
        if scope is None:
            raise NoScope(f"{self.model.__name__} was asked without a scope")
        rows = super().get_queryset()
        return rows if scope.prefix == "" else rows.filter(**inside(scope.prefix))


def _leading(digits: int) -> models.GeneratedField:
    return models.GeneratedField(
        expression=Substr("division_code", 1, digits), output_field=models.CharField(max_length=digits), db_persist=True
    )


class Placed(models.Model):
    """Something at a place. The place's league, county and township are columns that the database fills, so that the
    newest rows of any level come from an index in their order, however many other places there are."""

    division_code = models.CharField(max_length=12, editable=False)
    league_code = _leading(4)
    county_code = _leading(6)
    township_code = _leading(9)

    class Meta:
        abstract = True
        indexes = (
            models.Index(fields=["league_code", "-id"], name="%(class)s_of_league"),
            models.Index(fields=["county_code", "-id"], name="%(class)s_of_county"),
            models.Index(fields=["township_code", "-id"], name="%(class)s_of_township"),
            models.Index(fields=["division_code", "-id"], name="%(class)s_of_village"),
        )


_COLUMNS = {4: "league_code", 6: "county_code", 9: "township_code", 12: "division_code"}


def inside(prefix: str) -> dict[str, str]:
    """The filter for what lies in a division: ``prefix`` is its code as far as it is significant."""
    column = _COLUMNS.get(len(prefix))
    return {column: prefix} if column else {"division_code__startswith": prefix}
