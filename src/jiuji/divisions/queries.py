"""What is asked: a division as of a day, what lies below, working days."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q, QuerySet

from jiuji import clock
from jiuji.rulebook.calendar import Calendar

from .models import CalendarDay, Division, prefix_of


def on(day: dt.date | None = None) -> QuerySet[Division]:
    """The divisions that stand on a day."""
    day = day or clock.today()
    return Division.objects.filter(valid_from__lte=day).filter(Q(valid_until=None) | Q(valid_until__gt=day))


def by_code(code: str, day: dt.date | None = None) -> Division | None:
    return on(day).filter(code=code).first()


def within(code: str, day: dt.date | None = None) -> QuerySet[Division]:
    """A division and everything below it."""
    return on(day).filter(code__startswith=prefix_of(code))


def calendar(division: Division | None = None) -> Calendar:
    """The statutory calendar with imported years and the local days of a division and those above it laid over it."""
    above = [d.pk for d in division.lineage()] if division else []
    days = CalendarDay.objects.filter(Q(division=None) | Q(division__in=above)).order_by("division__code")
    rows = {d.day: (d.day, "workday" if d.works else "holiday", d.name) for d in days}
    return Calendar.statutory().with_days(rows.values())
