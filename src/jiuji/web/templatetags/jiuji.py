"""Filters of the components: money, masks, times. Pure functions; what they print does not depend on who asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import template

from jiuji import clock

register = template.Library()
NOTHING = "—"


@register.filter
def yuan(fen: int | str | None) -> str:
    """Integer fen as yuan with both decimals: ``640000`` → ``6,400.00``. Nothing there: a dash.

    Raises ``TypeError`` for anything but whole fen: a float on its way to a screen is a fault.
    """
    if fen is None or fen == "":
        return NOTHING
    if isinstance(fen, bool) or not isinstance(fen, int):
        raise TypeError(f"money is whole fen, not {type(fen).__name__}")
    return f"{'−' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


@register.filter
def yuan_short(fen: int | None) -> str:
    """As ``yuan``, without needless decimals: ``640000`` → ``6,400``; for headlines, never in a column of figures."""
    return yuan(fen).removesuffix(".00")


@register.filter
def mask_id(number: str | None) -> str:
    """An identity number with only its last four characters: ``**************1234``."""
    return _last_four(number)


@register.filter
def mask_account(number: str | None) -> str:
    """A bank account with only its last four characters."""
    return _last_four(number)


def _last_four(number: str | None) -> str:
    text = (number or "").strip()
    if not text:
        return NOTHING
    shown = 4 if len(text) >= 8 else 0
    return "*" * (len(text) - shown) + text[len(text) - shown :]


@register.filter
def mask_phone(number: str | None) -> str:
    """A telephone number without its middle: ``138****5678``."""
    text = (number or "").strip()
    if len(text) < 11:
        return _last_four(text)
    return f"{text[:-8]}****{text[-4:]}"


@register.filter
def mask_name(name: str | None) -> str:
    """A name as on a notice: ``李*``, ``李*华``, ``欧**婷``; a name of one character is hidden whole."""
    text = (name or "").strip()
    if not text:
        return NOTHING
    if len(text) == 1:
        return "*"
    if len(text) == 2:
        return f"{text[0]}*"
    return f"{text[0]}{'*' * (len(text) - 2)}{text[-1]}"


@register.filter
def moment(when: dt.datetime | dt.date | None) -> str:
    """A time in China, short: ``10-28 17:00``; with its year where that is not the present one. A date: ``10-28``."""
    if not when:
        return NOTHING
    pattern = "%m-%d"
    if isinstance(when, dt.datetime):
        when = when.astimezone(clock.PLACE) if when.tzinfo else when
        pattern = "%m-%d %H:%M"
    return when.strftime(pattern if when.year == clock.today().year else f"%Y-{pattern}")


@register.filter
def iso(when: dt.datetime | dt.date | None) -> str:
    """A time for ``<time datetime>``."""
    return when.isoformat() if when else ""


@register.filter
def beside(left: Iterable[Any], right: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Two lists side by side: ``{% for cell, column in row.cells|beside:columns %}``."""
    return list(zip(left or (), right or (), strict=False))
