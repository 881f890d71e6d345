"""What is asked about people: search by exact number or name, the members of a household on a day."""

from __future__ import annotations

import datetime as dt
import re

from django.db.models import Exists, OuterRef, Q, QuerySet

from .fields import lookups
from .models import Household, Membership, Person, RecognisedStatus
from .services import pinyin_of

_NUMBER = re.compile(r"[\d０-９ xXｘＸ-]{6,}")


def find_people(text: str) -> QuerySet[Person]:
    """People in scope by exact identity number, telephone, or by name (as written or as it sounds)."""
    text = text.strip()
    people = Person.objects.filter(merged_into=None).select_related("division")
    if _NUMBER.fullmatch(text):
        return people.filter(
            Q(identity_index__in=lookups("identity", text)) | Q(phone_index__in=lookups("phone", text))
        )
    return people.filter(Q(name=text) | Q(pinyin=pinyin_of(text)))


def members_on(household: Household, day: dt.date) -> QuerySet[Membership]:
    """Who belonged to the household on a day."""
    return (
        household.memberships.filter(since__lte=day)
        .filter(Q(until=None) | Q(until__gt=day))
        .select_related("person")
        .order_by("since", "pk")
    )


def households(text: str = "", status: str = "", day: dt.date | None = None) -> QuerySet[Household]:
    """Households in scope, by number or by the head's name, and by recognised status on a day."""
    rows = Household.objects.select_related("division")
    text = text.strip()
    if text:
        rows = rows.filter(number=text.upper()) if "-H" in text.upper() else rows.filter(head_name=text)
    if status and day:
        recognised = RecognisedStatus.objects.filter(
            Q(until=None) | Q(until__gt=day), household=OuterRef("pk"), kind=status, since__lte=day
        )
        rows = rows.filter(Exists(recognised))
    return rows
