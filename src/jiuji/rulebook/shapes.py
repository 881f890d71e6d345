"""The shape of a rulebook file: what kind of value stands under each key.

Looked at when the levels are merged, before anything is built: a value of the wrong kind is reported with its line
and left out, so that everything behind can rely on shapes and go on to find the other faults.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

#: kind → (what it is in Chinese, in English, an example)
KINDS = {
    "text": ("带引号的文字", "text in quotes", '"…"'),
    "label": ("中英文各一的名称", "a name in Chinese and English", '{ zh = "…", en = "…" }'),
    "truth": ("true 或 false", "true or false", "true"),
    "number": ("数字", "a number", "860"),
    "whole": ("整数", "a whole number", "2"),
    "day": ("日期", "a date", "2026-01-01"),
    "table": ("表", "a table", "{ 键 = 值 }"),
    "texts": ("文字的列表", "a list of texts", '["…", "…"]'),
    "rows": ("表的列表", "a list of tables", "[{ … }, { … }]"),
    "formula": ("公式（带引号）", "a formula (in quotes)", '"least(own, ceiling)"'),
    "any": ("", "", ""),
}

_COMMON = {"label": "label", "clause": "text", "open": "text", "note": "any"}
SHAPES: dict[str, dict[str, str]] = {
    "fact": {
        "type": "text",
        "unit": "text",
        "ask": "label",
        "min": "number",
        "max": "number",
        "default": "any",
        "values": "table",
        "decimals": "whole",
        "history": "table",
    },
    "parameter": {"unit": "text", "values": "rows", "min": "number", "max": "number"},
    "quantity": {
        "unit": "text",
        "type": "text",
        "formula": "formula",
        "words": "label",
        "versions": "rows",
        "min": "number",
        "max": "number",
    },
    "table": {"gives": "table", "rows": "rows", "hit": "text", "versions": "rows"},
    "bands": {"of": "formula", "from": "formula", "rows": "rows", "add_rate": "formula"},
    "points": {"rows": "rows"},
    "category": {
        "track": "text",
        "applies": "formula",
        "condition": "formula",
        "condition_label": "label",
        "tier": "any",
        "amount": "formula",
        "least": "formula",
        "most": "formula",
    },
    "ground": {"when": "formula", "track": "text", "about": "text"},
    "authority": {"rows": "rows", "refusal": "text"},
    "constraint": {"that": "formula"},
    "doubt": {"that": "formula"},
    "step": {
        "after": "text",
        "within": "table",
        "waivable": "truth",
        "owed": "label",
        "officers": "whole",
        "forms": "texts",
        "roles": "texts",
        "explain": "label",
    },
    "award": {"formula": "formula", "choose": "text"},
    "panel": {"when": "formula", "unless_refused_under": "texts", "up_to": "text"},
    "document": {"id": "text", "title": "label", "issuer": "label", "signed": "day", "clauses": "any", "url": "text"},
    "example": {"name": "label", "row": "text", "case": "table", "expect": "table", "on": "day"},
    "transition": {"at": "day", "until": "day", "when": "formula"},
    "rulebook": {
        "id": "text",
        "programme": "text",
        "division": "text",
        "level": "text",
        "extends": "text",
        "title": "label",
        "document": "text",
        "from": "day",
        "until": "day",
        "date": "text",
        "include": "texts",
        "illustrative": "truth",
        "no_category": "text",
    },
}


def fits(kind: str, value: Any) -> bool:
    """Whether a TOML value is of a kind."""
    if kind in ("text", "formula"):
        return isinstance(value, str)
    if kind == "label":
        return (
            isinstance(value, dict)
            and set(value) <= {"zh", "en"}
            and bool(value)
            and all(isinstance(v, str) for v in value.values())
        )
    if kind == "truth":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "whole":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "day":
        return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    if kind == "table":
        return isinstance(value, dict)
    if kind == "texts":
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    if kind == "rows":
        return isinstance(value, list) and all(isinstance(v, dict) for v in value)
    return True


def misfits(section: str, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, kind wanted) for each value of the wrong kind; unknown keys are not this module's business."""
    shapes = SHAPES[section]
    for key, value in data.items():
        kind = shapes.get(key) or _COMMON.get(key, "any")
        if not fits(kind, value):
            yield key, kind


def known_keys(section: str) -> tuple[str, ...]:
    """The keys of a list section such as ``[[example]]``."""
    return (*SHAPES[section], "label", "clause", "note")


def words(section: str, name: str, key: str, kind: str) -> tuple[str, str, str, str]:
    """What is wrong and what to do, in Chinese and English, as :meth:`Origin.problem` takes it."""
    zh, en, example = KINDS[kind]
    where = f"[{section}.{name}]" if name and name != section else f"[{section}]"
    return (
        f"{where} 的 {key} 应为{zh}。",
        f"{key} of {where} must be {en}.",
        f"写成 {key} = {example}。",
        f"Write {key} = {example}.",
    )
