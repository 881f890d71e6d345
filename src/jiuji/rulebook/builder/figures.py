"""Figures as they are written, exactly, and small helpers on expressions."""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction
from typing import Any

from .. import expression as ex
from ..expression import Expr, Type


def extreme(which: Any, items: list[Expr]) -> Expr:
    return ex.Extreme(ex.common_type(items, which), which, tuple(items))


def same_type(expr: Expr, declared: Type) -> bool:
    if ex.is_zero(expr):
        return declared.kind == "number"
    return expr.type.kind == declared.kind and expr.type.unit == declared.unit


def figure_of(value: Any) -> Fraction | None:
    """A figure as written, exactly: 0.35 is 35/100, not the nearest binary fraction."""
    if isinstance(value, bool) or value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, (int, float)):
        return Fraction(str(value))
    if isinstance(value, str):
        try:
            return Fraction(value.replace(",", "").strip())
        except (ValueError, ZeroDivisionError):
            return None
    return None


def scaled(value: Any, factor: int) -> int:
    exact = figure_of(value)
    return int((exact if exact is not None else Fraction(0)) * factor)


def plain(value: Fraction) -> str:
    return f"{value.numerator}" if value.denominator == 1 else f"{float(value):g}"


def ordinal_of(value: Any, otherwise: int) -> int:
    return value.toordinal() if isinstance(value, dt.date) else otherwise
