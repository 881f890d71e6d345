"""Paging by key: the next page begins after the last row of this one, so that page 4,000 is as quick as page 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

SIZE = 25


@dataclass(frozen=True)
class Page:
    """The rows shown, and the keys of the pages before and after."""

    rows: list[Any]
    before: str
    after: str


def page_of(rows: QuerySet[Any], query: Mapping[str, str], size: int = SIZE) -> Page:
    """Newest first. ``after`` and ``before`` in the address are primary keys."""
    after, before = query.get("after", ""), query.get("before", "")
    if before.isdigit():
        found = list(rows.filter(pk__gt=int(before)).order_by("pk")[: size + 1])
        more = len(found) > size
        found = found[:size][::-1]
        return Page(found, str(found[0].pk) if more and found else "", str(found[-1].pk) if found else "")
    if after.isdigit():
        rows = rows.filter(pk__lt=int(after))
    found = list(rows.order_by("-pk")[: size + 1])
    more = len(found) > size
    found = found[:size]
    return Page(found, str(found[0].pk) if after and found else "", str(found[-1].pk) if more else "")
