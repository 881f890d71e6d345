"""What may be done: record an event, in the transaction of what it tells about."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction

from jiuji import clock
from jiuji.divisions.models import county_of

from . import actor as actors
from . import chain as chains
from .actor import Actor
from .models import ChainHead, Event

#: Older than this and an entry counts as late: the screen asks why, and the timeline shows both times.
LATE = dt.timedelta(hours=24)


class ClockBehind(RuntimeError):
    """The clock stands before the last recorded event: nothing is recorded until it is right again (T09)."""


def database_now() -> dt.datetime:
    """The database's own clock; a simulated clock where one is set."""
    if clock.is_simulated() or connection.vendor != "postgresql":
        return clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: dt.datetime = cursor.fetchone()[0]
    return found


def record(
    kind: str,
    *,
    subject: models.Model | None = None,
    division_code: str,
    data: dict[str, Any] | None = None,
    reason: str = "",
    happened_at: dt.datetime | None = None,
    actor: Actor | None = None,
) -> Event:
    """Add an event to the chain of its county, within the caller's transaction.

    ``data`` holds what an auditor needs and nothing sensitive: no identity number, telephone or account in clear.
    ``happened_at`` may lie in the past (a claim), ``recorded_at`` is the database's clock and never goes back.
    Raises ClockBehind, and TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an event is recorded in the transaction of what it tells about")
    who = actor or actors.current()
    chain = county_of(division_code)
    head = _locked_head(chain)
    recorded_at = database_now()
    if head.recorded_at is not None and recorded_at < head.recorded_at:
        if head.recorded_at - recorded_at > dt.timedelta(seconds=2):
            raise ClockBehind(
                f"时钟比最后一条记录（{head.recorded_at.isoformat()}）慢，请校准后再办理。"
                f"The clock is behind the last record ({head.recorded_at.isoformat()}); set it right first."
            )
        recorded_at = head.recorded_at
    happened_at = happened_at or recorded_at
    subject_type = subject._meta.label_lower if subject is not None else ""
    subject_id = str(getattr(subject, "uid", None) or subject.pk) if subject is not None else ""
    number = head.number + 1
    body = chains.canonical(
        {
            "chain": chain,
            "number": number,
            "kind": kind,
            "subject": [subject_type, subject_id],
            "division": division_code,
            "happened_at": _stamp(happened_at),
            "recorded_at": _stamp(recorded_at),
            "actor": [who.id, who.name, who.role, who.office, who.address],
            "reason": reason,
            "data": data or {},
        }
    )
    algorithm = settings.CHAIN_ALGORITHM
    digest = chains.digest(algorithm, head.digest, body)
    event = Event.objects.create(
        chain=chain,
        number=number,
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        division_code=division_code,
        happened_at=happened_at,
        recorded_at=recorded_at,
        actor_id=who.id,
        actor_name=who.name,
        body=body.decode(),
        algorithm=algorithm,
        previous=head.digest,
        digest=digest,
    )
    ChainHead.objects.filter(chain=chain).update(number=number, digest=digest, recorded_at=recorded_at)
    return event


def _locked_head(chain: str) -> ChainHead:
    ChainHead.objects.bulk_create([ChainHead(chain=chain, digest=chains.genesis(chain))], ignore_conflicts=True)
    return ChainHead.objects.select_for_update().get(chain=chain)


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")
