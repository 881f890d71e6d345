"""Facts and dated parameters."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from math import lcm
from typing import Any

from .. import expression as ex
from ..errors import Problem
from ..expression import DATE, Type
from ..library import Item, Origin
from ..program import (
    DEFAULT_MAX,
    FAR_FUTURE,
    FAR_PAST,
    RESERVED,
    DatedValue,
    FactDef,
    Label,
    ParameterDef,
)
from ..units import Unit, UnitError
from .base import Base
from .figures import figure_of, scaled


class Values(Base):
    # --- facts and parameters ---

    def read_facts(self) -> None:
        for item in self.effective.named("fact").values():
            self.keys(
                item, "type", "unit", "label", "ask", "min", "max", "default", "values", "decimals", "history", "clause"
            )
            fact = self._fact(item)
            if fact is not None:
                fact.slot = len(self.facts)
                self.facts[item.name] = fact
        if "applied_on" not in self.facts:
            head = self.effective.book
            self.problems.append(
                Problem(
                    head.source.name,
                    head.source.line("rulebook"),
                    "没有事实 applied_on（申请日期）。",
                    "There is no fact applied_on (date of application).",
                    '请加 [fact.applied_on]，type = "date"。',
                    'Add [fact.applied_on] with type = "date".',
                )
            )

    def _fact(self, item: Item) -> FactDef | None:
        kinds = ("boolean", "integer", "money", "ratio", "date", "enum")
        kind = item.get("type")
        if kind not in kinds:
            self.report(
                item.origin("type"),
                zh=f"事实 {item.name} 的类型 {kind} 未知。",
                en=f"The fact {item.name} has no known type: {kind}.",
                fix_zh=f"可用：{'、'.join(kinds)}。",
                fix_en=f"Use one of {', '.join(kinds)}.",
            )
            return None
        if item.name in RESERVED:
            self._reserved(item)
            return None
        value_labels: dict[str, Label] = {}
        low, high = 0, 1
        if kind == "enum":
            values = item.get("values")
            if not isinstance(values, dict) or not values:
                self.report(
                    item.origin("values"),
                    zh=f"选项型事实 {item.name} 没有选项。",
                    en=f"The enumeration {item.name} has no values.",
                    fix_zh=f"写 [fact.{item.name}.values] 和各选项的中英文。",
                    fix_en=f"Write [fact.{item.name}.values] with a label for each.",
                )
                return None
            for value, label in values.items():
                ok = isinstance(label, dict) and label.get("zh") and label.get("en")
                value_labels[value] = label if ok else {"zh": value, "en": value}
            made = Type("enum", values=tuple(values))
            high = len(values) - 1
        elif kind == "boolean":
            made = ex.BOOLEAN
        elif kind == "date":
            made, low, high = DATE, FAR_PAST, FAR_FUTURE
        else:
            try:
                unit = Unit.parse(item.get("unit", "yuan" if kind == "money" else "ratio"))
            except UnitError:
                self._bad_unit(item, str(item.get("unit")))
                return None
            scale = 10 ** int(item.get("decimals", 4)) if kind == "ratio" else 1
            factor = 100 if kind == "money" else scale
            if unit.is_money != (kind == "money"):
                self.report(
                    item.origin("unit"),
                    zh=f"{item.name} 的类型 {kind} 与单位 {unit} 不符。",
                    en=f"The type {kind} of {item.name} does not go with {unit}.",
                    fix_zh="金额用 money 和 yuan…，人数等用 integer。",
                    fix_en="Money is of type money in yuan…, counts are integer.",
                )
                return None
            made = Type("number", unit, scale)
            low = scaled(item.get("min", 0), factor)
            high = (
                scaled(item.get("max"), factor)
                if item.get("max") is not None
                else DEFAULT_MAX[kind] * (scale if kind == "ratio" else 1)
            )
        default = None
        if "default" in item.data:
            given = item.get("default")
            if kind == "enum" and given in made.values:
                default = made.values.index(given)
            elif kind == "boolean" and isinstance(given, bool):
                default = int(given)
            elif made.kind == "number" and isinstance(given, (int, float)) and not isinstance(given, bool):
                default = scaled(given, 100 if kind == "money" else made.scale)
            else:
                self.report(
                    item.origin("default"),
                    zh=f"{item.name} 的默认值 {given} 与类型不符。",
                    en=f"The default {given} does not fit {item.name}.",
                    fix_zh="请改为该类型的值，或删去 default。",
                    fix_en="Give a value of the type, or remove default.",
                )
        return FactDef(
            item.name,
            kind,
            made,
            low,
            high,
            default,
            self.label(item),
            self.label(item, "ask"),
            value_labels,
            item.get("history") or {},
            item,
        )

    def read_parameters(self) -> None:
        for item in self.effective.named("parameter").values():
            self.keys(item, "unit", "label", "clause", "values", "min", "max")
            if item.name in self.facts or item.name in RESERVED:
                self._reserved(item)
                continue
            try:
                unit = Unit.parse(str(item.get("unit", "")))
            except UnitError:
                self._bad_unit(item, str(item.get("unit")))
                continue
            self._parameter(item, unit)

    def _parameter(self, item: Item, unit: Unit) -> None:
        factor = 100 if unit.is_money else 1
        entries: list[tuple[int, int, Fraction, str, Origin]] = []
        scale = 1
        for index, value in enumerate(self._for_division(item)):
            where = item.origin("values", (item.get("values") or []).index(value))
            exact = figure_of(value.get("value"))
            since = value.get("from")
            if exact is None or not isinstance(since, dt.date):
                self.report(
                    where,
                    zh=f"参数 {item.name} 的第 {index + 1} 个值要有 from（日期）和 value（数）。",
                    en=f"Value {index + 1} of {item.name} needs from (a date) and value (a number).",
                    fix_zh='写成 { from = 2026-01-01, value = 860, source = "…" }。',
                    fix_en='Write { from = 2026-01-01, value = 860, source = "…" }.',
                )
                continue
            source = value.get("source")
            if not isinstance(source, str):
                self.report(
                    where,
                    zh=f"参数 {item.name} 自 {since} 起的值没有注明出处。",
                    en=f"The value of {item.name} from {since} names no source.",
                    fix_zh='请写 source = "文件 §条款"。',
                    fix_en='Write source = "document §clause".',
                )
                source = ""
            else:
                self.cite(source, where)
            until = value.get("until")
            base = exact * factor
            scale = lcm(scale, ex.decimal_scale(base))
            end = until.toordinal() if isinstance(until, dt.date) else FAR_FUTURE
            entries.append((since.toordinal(), end, base, source, where))
        entries.sort(key=lambda e: e[0])
        if not entries and not item.get("open"):
            self.report(
                item.origin(),
                zh=f"参数 {item.name} 没有值，也没有开放给下级。",
                en=f"The parameter {item.name} has no value and is not open to a lower level.",
                fix_zh='请写 values，或写 open = "county"。',
                fix_en='Write values, or open = "county".',
            )
        values = [DatedValue(s, u, int(v * scale), src, w) for s, u, v, src, w in entries]
        self.parameters[item.name] = ParameterDef(
            item.name,
            Type("number", unit, scale),
            self.label(item),
            values,
            self.clause(item),
            str(item.get("open", "")),
            item,
            low=scaled(item.get("min", 0), factor * scale),
            high=scaled(item.get("max", 10**9 if unit.is_money else 10**4), factor * scale),
        )

    def _for_division(self, item: Item) -> list[dict[str, Any]]:
        """Those dated values that are meant for this division; the nearest level's set wins."""
        values = [v for v in item.get("values") or [] if isinstance(v, dict)]
        mine = self.effective.book.division
        fitting: dict[int, list[dict[str, Any]]] = {}
        for value in values:
            code = str(value.get("division", "")).rstrip("0")
            if mine.startswith(code):
                fitting.setdefault(len(code), []).append(value)
        return fitting[max(fitting)] if fitting else []
