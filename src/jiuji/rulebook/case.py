"""Reading a case: JSON in, facts in base units out. Every error names the key and the remedy."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .errors import CaseError
from .program import FactDef, Program
from .words import printed

_MONEY = re.compile(r"-?\d+(\.\d{1,2})?\Z", re.ASCII)
Number = int | float | str


def parse_case(text: str | bytes) -> dict[str, Any]:
    """A JSON object with each key once; numbers are kept as written. Raises CaseError."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise CaseError(
                "案件不是 UTF-8 编码的文本，请另存为 UTF-8。", "The case is not UTF-8 text; save it as UTF-8."
            ) from None

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise CaseError(f"键 {key} 写了两次，请只留一次。", f"The key {key} stands twice; keep one.", key=key)
            found[key] = value
        return found

    try:
        data = json.loads(
            text.removeprefix("\ufeff"), object_pairs_hook=once, parse_float=Written, parse_constant=_not_a_number
        )
    except json.JSONDecodeError as error:
        raise CaseError(
            f"不是有效的 JSON：第 {error.lineno} 行第 {error.colno} 列，{error.msg}。请检查引号和逗号。",
            f"Not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}. Check quotes and commas.",
        ) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, CaseError):
            raise
        raise CaseError("JSON 无法读取，请检查内容。", "The JSON cannot be read; check its content.") from None
    if not isinstance(data, dict):
        raise CaseError(
            '案件应是一个 JSON 对象，如 {"cause": "fire"}。',
            'A case is one JSON object, such as {"cause": "fire"}.',
        )
    return data


class Written(float):
    """A decimal number that remembers how it was written, so that 0.1 is one tenth."""

    text: str

    def __new__(cls, text: str) -> Written:
        made = super().__new__(cls, text)
        made.text = text
        return made


def _not_a_number(text: str) -> Any:
    raise CaseError(f"{text} 不是数，请改正。", f"{text} is not a number; correct it.")


class Reader:
    """Turns a case's keys into facts in slot order for one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.facts = program.facts
        self.defaults: list[int | None] = [f.default for f in program.facts.values()]
        self.history = [f for f in program.facts.values() if f.history]

    def read(self, case: Mapping[str, Any], on: dt.date | None = None) -> list[int | None]:
        """Facts in slot order; ``None`` is not yet known. ``on`` fills ``applied_on``. Raises CaseError."""
        facts = self.defaults.copy()
        known = self.facts
        for key, value in case.items():
            fact = known.get(key)
            if fact is None:
                if key == "grants" and self.history:
                    continue
                raise self._unknown(key)
            if value is None:
                facts[fact.slot] = None
                continue
            kind = fact.kind
            if kind == "boolean":
                if value is not True and value is not False:
                    raise self._wrong(fact, value)
                facts[fact.slot] = value
                continue
            if kind == "integer" and type(value) is int:
                made = value
            elif kind == "enum":
                try:
                    facts[fact.slot] = fact.type.values.index(value)
                except ValueError:
                    raise self._wrong(fact, value) from None
                continue
            elif kind == "money" and type(value) is int:
                made = value * 100
            else:
                made = self._value(fact, value)
            if not fact.low <= made <= fact.high:
                raise self._range(fact, value)
            facts[fact.slot] = made
        applied = known["applied_on"].slot
        if facts[applied] is None:
            facts[applied] = (on or dt.date.today()).toordinal()
        if "grants" in case and self.history:
            self._from_history(case, facts)
        return facts

    def _value(self, fact: FactDef, value: Any) -> int:
        if fact.kind == "date":
            if type(value) is dt.date:
                return value.toordinal()
            if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
                try:
                    return dt.date.fromisoformat(value).toordinal()
                except ValueError:
                    pass
            raise self._wrong(fact, value)
        if isinstance(value, bool) or fact.kind == "integer":
            raise self._wrong(fact, value)
        text = getattr(value, "text", None) or (str(value) if not isinstance(value, str) else value)
        if fact.kind == "money":
            if not _MONEY.fullmatch(text):
                exact = _fraction(text) if not isinstance(value, str) else None
                if exact is None or (exact * 100).denominator != 1:
                    raise self._wrong(fact, value)
                return int(exact * 100)
            whole, _, cents = text.partition(".")
            fen = int(whole) * 100
            part = int((cents + "00")[:2])
            return fen - part if text.startswith("-") else fen + part
        exact = _fraction(text)
        if exact is None or (exact * fact.type.scale).denominator != 1:
            raise self._wrong(fact, value)
        return int(exact * fact.type.scale)

    def _from_history(self, case: Mapping[str, Any], facts: list[int | None]) -> None:
        """Counts, sums and days since the last grant, from the list ``grants`` of {on, amount}."""
        applied = facts[self.facts["applied_on"].slot]
        assert applied is not None
        grants = case["grants"]
        if not isinstance(grants, list):
            raise CaseError("grants 应是列表。", "grants must be a list.", key="grants")
        dated: list[tuple[int, int]] = []
        for grant in grants:
            try:
                day = dt.date.fromisoformat(grant["on"]).toordinal()
                amount = str(getattr(grant.get("amount", 0), "text", grant.get("amount", 0)))
                if not _MONEY.fullmatch(amount):
                    raise ValueError(amount)
                fen = int(Fraction(amount) * 100)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise CaseError(
                    'grants 的每一项要写成 {"on": "2026-01-31", "amount": 500}。',
                    'Each of grants is written {"on": "2026-01-31", "amount": 500}.',
                    key="grants",
                ) from None
            if day <= applied:
                dated.append((day, fen))
        for fact in self.history:
            if fact.name in case:
                continue
            (what, period), *_ = fact.history.items()
            if what == "days_since_last":
                last = max((d for d, _ in dated), default=None)
                facts[fact.slot] = fact.high if last is None else min(fact.high, applied - last)
                continue
            start = period_start(applied, period)
            inside = [fen for day, fen in dated if day > start]
            facts[fact.slot] = sum(inside) if what == "sum" else len(inside)

    # --- errors ---

    def _unknown(self, key: str) -> CaseError:
        import difflib

        near = difflib.get_close_matches(key, list(self.facts), n=1)
        hint_zh = f"是否想写 {near[0]}？" if near else f"可用的键：{'、'.join(self.facts)}。"
        hint_en = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(self.facts)}."
        return CaseError(f"没有名为 {key} 的事实。{hint_zh}", f"There is no fact {key}. {hint_en}", key=key)

    def _wrong(self, fact: FactDef, value: Any) -> CaseError:
        shown = getattr(value, "text", None) or json.dumps(value, ensure_ascii=False, default=str)
        wanted = {
            "boolean": ("true 或 false", "true or false"),
            "integer": ("整数", "a whole number"),
            "money": ("最多两位小数的金额，如 1234.50", "an amount with at most two decimals, such as 1234.50"),
            "ratio": ("比率，如 0.35", "a ratio such as 0.35"),
            "date": ("日期，如 2026-01-31", "a date such as 2026-01-31"),
            "enum": (f"下列之一：{'、'.join(fact.type.values)}", f"one of {', '.join(fact.type.values)}"),
        }[fact.kind]
        return CaseError(
            f"{fact.name}（{fact.label['zh']}）不能是 {shown}，应为{wanted[0]}；未知写 null。",
            f"{fact.name} ({fact.label['en']}) cannot be {shown}; give {wanted[1]}, or null when not yet known.",
            key=fact.name,
        )

    def _range(self, fact: FactDef, value: Any) -> CaseError:
        shown = getattr(value, "text", value)
        low, high = printed(fact.low, fact.type), printed(fact.high, fact.type)
        low_en, high_en = printed(fact.low, fact.type, "en"), printed(fact.high, fact.type, "en")
        return CaseError(
            f"{fact.name}（{fact.label['zh']}）不可能是 {shown}，应在 {low} 至 {high} 之间；请核对。",
            f"{fact.name} ({fact.label['en']}) cannot be {shown}: it lies between {low_en} and {high_en}; check it.",
            key=fact.name,
        )


def period_start(applied: int, period: str) -> int:
    """The day (ordinal) before the first day of a period that ends on the day of application."""
    day = dt.date.fromordinal(applied)
    if period == "calendar_year":
        return dt.date(day.year, 1, 1).toordinal() - 1
    months = int(period.split("_")[0])
    month = day.year * 12 + day.month - 1 - months
    year, month = divmod(month, 12)
    last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(day.day, last)).toordinal()


def _fraction(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
