"""What is asked: the events of an object, of a place; whether the chains hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import QuerySet

from .chain import Broken, Head, Link, verify
from .models import ChainHead, Event
from .services import LATE


def links(chain: str | None = None) -> Iterator[Link]:
    """Every event as a link, in the order of the chains."""
    rows = Event.objects.order_by("chain", "number")
    if chain:
        rows = rows.filter(chain=chain)
    for row in rows.values_list("chain", "number", "algorithm", "previous", "digest", "body").iterator(5000):
        yield Link(row[0], row[1], row[2], row[3], row[4], row[5].encode())


def verify_all(heads: dict[str, Head] | None = None) -> Iterator[Broken | Head]:
    """Verify all chains against the table of heads, and against kept heads where given."""
    kept = {h.chain: Head(h.chain, h.number, h.digest) for h in ChainHead.objects.all() if h.number}
    kept.update(heads or {})
    return verify(links(), kept)


def of_subject(subject: models.Model) -> QuerySet[Event]:
    key = str(getattr(subject, "uid", None) or subject.pk)
    return Event.objects.filter(subject_type=subject._meta.label_lower, subject_id=key).order_by(
        "-recorded_at", "-number"
    )


@dataclass(frozen=True)
class Line:
    """An event as a timeline shows it."""

    event: Event
    text: str
    actor: str
    office: str
    reason: str
    data: dict[str, Any]
    late: bool


def line(event: Event) -> Line:
    from .kinds import text_of

    body = json.loads(event.body)
    return Line(
        event,
        text_of(event.kind),
        event.actor_name,
        body["actor"][3],
        body["reason"],
        body["data"],
        event.recorded_at - event.happened_at > LATE,
    )
