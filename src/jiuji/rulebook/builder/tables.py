"""Decision tables, bands and points become ordinary expressions."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

from .. import expression as ex
from ..expression import DATE, Const, Expr, ExpressionError, Ref, Type
from ..library import Item, Origin
from ..program import (
    Label,
    QuantityDef,
)
from ..units import POINT, RATIO, Unit, UnitError
from .base import Base
from .figures import extreme, figure_of, plain


class Tables(Base):
    # --- tables, bands, points ---

    def _table(self, item: Item) -> None:
        self.keys(item, "label", "clause", "gives", "rows", "hit", "versions")
        gives = item.get("gives")
        label, clause = self.label(item), self.clause(item)
        types: dict[str, Type] = {}
        for column, unit in (gives if isinstance(gives, dict) else {}).items():
            try:
                types[column] = Type("number", Unit.parse(str(unit)))
            except UnitError:
                self._bad_unit(item, str(unit))
        if not types:
            self.report(
                item.origin("gives"),
                zh=f"表 {item.name} 没有说明给出什么。",
                en=f"The table {item.name} does not say what it gives.",
                fix_zh='写 gives = { tier = "tier", multiple = "month" }。',
                fix_en='Write gives = { tier = "tier", multiple = "month" }.',
            )
            self._broken.add(item.name)
            return
        rows = item.get("rows")
        if rows is None:
            for column, kind in types.items():
                self.add(QuantityDef(f"{item.name}.{column}", label, kind, None, clause, item, role="column"))
            if not item.get("open"):
                self.report(
                    item.origin(),
                    zh=f"表 {item.name} 没有行，也没有开放给下级。",
                    en=f"The table {item.name} has no rows and is not open to a lower level.",
                    fix_zh='写 rows，或写 open = "county"。',
                    fix_en='Write rows, or open = "county".',
                )
            return
        versions = [(None, rows, "rows")] + [
            (v.get("from"), v.get("rows"), f"versions {i}") for i, v in enumerate(item.get("versions") or [])
        ]
        made: dict[str, Expr] = {}
        for number, (since, some, _) in enumerate(versions):
            suffix = f"@{since}" if since else ""
            columns = self._rows(item, some, types, suffix, label, clause, number)
            if columns is None:
                self._broken.add(item.name)
                return
            for column, expr in columns.items():
                if since is None:
                    made[column] = expr
                else:
                    begins = ex.compare(">=", self.standard_date, Const(DATE, since.toordinal()))
                    made[column] = ex.choose(begins, expr, made[column])
        for column, expr in made.items():
            both = {
                "zh": f"{label['zh']}：{_column_label(column, 'zh')}",
                "en": f"{label['en']}: {_column_label(column, 'en')}",
            }
            self.add(QuantityDef(f"{item.name}.{column}", both, expr.type, expr, clause, item, role="column"))

    def _rows(
        self, item: Item, rows: Any, types: dict[str, Type], suffix: str, label: Label, clause: str, version: int
    ) -> dict[str, Expr] | None:
        key: tuple[str | int, ...] = ("rows",) if version == 0 else ("versions", version - 1)
        if not isinstance(rows, list) or not rows:
            self.report(
                item.origin(*key),
                zh=f"表 {item.name} 没有行。",
                en=f"The table {item.name} has no rows.",
                fix_zh="请写 rows = [ … ]。",
                fix_en="Write rows = [ … ].",
            )
            return None
        conditions: list[Expr] = []
        cells: dict[str, list[Expr]] = {c: [] for c in types}
        labels: list[Label] = []
        good = True
        for index, row in enumerate(rows):
            where = item.origin(*key, index) if version == 0 else item.origin(*key)
            if not isinstance(row, dict):
                self.report(where, zh="表的每一行要写成 { when = …, … }。", en="Each row is written { when = …, … }.")
                return None
            tests: list[Expr] = []
            when = row.get("when", {})
            if not isinstance(when, dict):
                self.report(
                    where,
                    zh="表中一行的 when 应为表。",
                    en="when of a table's row must be a table.",
                    fix_zh='写成 when = { deaths = ">= 1" }；其他情形写 when = {}。',
                    fix_en='Write when = { deaths = ">= 1" }; for all other cases when = {}.',
                )
                good, when = False, {}
            for name, cell in when.items():
                test = self._cell(name, cell, where)
                good = good and test is not None
                tests.append(test or ex.TRUE)
            conditions.append(ex.all_of(*tests))
            for column, kind in types.items():
                value = self._value(row.get(column), kind, where, f"{item.name}.{column}")
                good = good and value is not None
                cells[column].append(value or ex.number(0, kind.unit))
            for extra in row.keys() - types.keys() - {"when", "label"}:
                self.report(
                    where,
                    zh=f"表 {item.name} 没有列 {extra}。",
                    en=f"The table {item.name} has no column {extra}.",
                    fix_zh="请在 gives 中登记，或删去。",
                    fix_en="Register it under gives, or remove it.",
                )
            given = row.get("label")
            labels.append(given if isinstance(given, dict) else {})
        if not good:
            return None
        index_type = Type("number")
        row_expr: Expr = Const(index_type, len(conditions) - 1)
        for index in range(len(conditions) - 2, -1, -1):
            row_expr = ex.choose(conditions[index], Const(index_type, index), row_expr)
        name = f"{item.name}#row{suffix}"
        definition = QuantityDef(name, label, index_type, row_expr, clause, item, role="row", row_labels=labels)
        definition.conditions = conditions
        definition.low, definition.high = 0, len(conditions) - 1
        self.add(definition)
        result: dict[str, Expr] = {}
        for column, options in cells.items():
            kind = ex.common_type(options, item.name)
            result[column] = ex.Pick(kind, Ref(index_type, "quantity", name), tuple(options))
        return result

    def _cell(self, name: str, cell: Any, where: Origin) -> Expr | None:
        """A table's cell: ``true``, ``"fire | drowning"``, ``">= 2"``, ``"20000 .. 50000"``, ``"> large_bill"``."""
        try:
            item = self.scope(name)
            if item is None:
                raise ex.unknown_name(name, list(self.known_names))
            if item.type.kind == "boolean":
                if not isinstance(cell, bool):
                    raise ExpressionError(
                        f"{name} 是是否型，单元格要写 true 或 false。",
                        f"{name} is yes/no: write true or false.",
                    )
                return item if cell else ex.negate(item)
            alternatives = str(cell).split("|") if isinstance(cell, str) else [cell]
            return ex.any_of(*[self._alternative(item, a.strip() if isinstance(a, str) else a) for a in alternatives])
        except ExpressionError as error:
            if str(error) != "broken":
                self.report(where, error)
            return None

    def _alternative(self, item: Expr, text: Any) -> Expr:
        if item.type.kind == "enum":
            if text not in item.type.values:
                raise ExpressionError(
                    f"'{text}' 不在选项之中。",
                    f"'{text}' is not one of the values.",
                    f"可用：{'、'.join(item.type.values)}。",
                    f"Use {', '.join(item.type.values)}.",
                )
            return ex.Member(ex.BOOLEAN, item, frozenset({item.type.values.index(text)}))
        if not isinstance(text, str):
            return ex.compare("=", item, self._operand(text, item.type))
        if ".." in text:
            low, high = (part.strip() for part in text.split("..", 1))
            tests = []
            if low:
                tests.append(ex.compare(">=", item, self._operand(low, item.type)))
            if high:
                tests.append(ex.compare("<=", item, self._operand(high, item.type)))
            return ex.all_of(*tests)
        for op in ("<=", ">=", "<>", "=", "<", ">"):
            if text.startswith(op):
                return ex.compare(op, item, self._operand(text[len(op) :].strip(), item.type))
        return ex.compare("=", item, self._operand(text, item.type))

    def _operand(self, text: Any, kind: Type) -> Expr:
        if kind.kind == "date":
            day = text if isinstance(text, dt.date) else dt.date.fromisoformat(str(text))
            return Const(DATE, day.toordinal())
        exact = figure_of(text)
        if exact is not None:
            return ex.number(exact * (100 if kind.unit.is_money else 1), kind.unit)
        found = ex.build(str(text), self.scope, self.known_names)
        return found

    def _value(self, value: Any, kind: Type, where: Origin, name: str) -> Expr | None:
        if value is None:
            self.report(
                where,
                zh=f"这一行没有给出 {name}。",
                en=f"This row gives no {name}.",
                fix_zh="请补上该列的值。",
                fix_en="Add the value of that column.",
            )
            return None
        exact = figure_of(value) if not isinstance(value, str) else None
        if exact is not None:
            return ex.number(exact * (100 if kind.unit.is_money else 1), kind.unit)
        found = self.formula(value, where)
        if found is not None and not ex.is_zero(found) and found.type.unit != kind.unit:
            self.report(
                where,
                zh=f"{name} 应为 {kind.unit}，这里得出 {found.type.words()}。",
                en=f"{name} should be in {kind.unit}, not {found.type.words('en')}.",
                fix_zh="请检查单位。",
                fix_en="Check the unit.",
            )
            return None
        return found

    def _bands(self, item: Item) -> None:
        self.keys(item, "label", "clause", "of", "from", "rows", "add_rate")
        label, clause = self.label(item), self.clause(item)
        of = self.measure(item.get("of"), item.origin("of"), None)
        unit = of.type.unit if of is not None else None
        lower = self.measure(item.get("from"), item.origin("from"), unit) if item.get("from") is not None else None
        extra = self.measure(item.get("add_rate"), item.origin("add_rate"), RATIO) if item.get("add_rate") else None
        if of is None or (item.get("from") is not None and lower is None) or (item.get("add_rate") and extra is None):
            self._broken.add(item.name)
            return
        rows = item.get("rows")
        if rows is None:
            if not item.get("open"):
                self.report(item.origin(), zh=f"分段 {item.name} 没有行。", en=f"The bands {item.name} have no rows.")
            self.add(QuantityDef(item.name, label, Type("number", of.type.unit), None, clause, item, role="bands"))
            return
        start: Expr = lower or ex.number(0, of.type.unit)
        previous: Fraction | None = None
        parts: list[Expr] = []
        factor = 100 if of.type.unit.is_money else 1
        for index, row in enumerate(rows):
            where = item.origin("rows", index)
            rate = figure_of(row.get("rate")) if isinstance(row, dict) else None
            up_to = figure_of(row.get("up_to")) if isinstance(row, dict) and "up_to" in row else None
            if (
                rate is None
                or (up_to is None and index < len(rows) - 1)
                or (up_to is not None and index == len(rows) - 1)
            ):
                self.report(
                    where,
                    zh="分段的每一行要有 rate；除最后一行外还要有 up_to，最后一行不写 up_to。",
                    en="Each band needs rate, and all but the last need up_to; the last has none.",
                    fix_zh="写成 { up_to = 30000, rate = 0.20 }。",
                    fix_en="Write { up_to = 30000, rate = 0.20 }.",
                )
                self._broken.add(item.name)
                return
            if up_to is not None and previous is not None and up_to <= previous:
                self.report(
                    where,
                    zh=f"分段的上限要递增：{plain(up_to)} 不大于 {plain(previous)}。",
                    en=f"Bands must rise: {plain(up_to)} is not above {plain(previous)}.",
                    fix_zh="请按从小到大排列。",
                    fix_en="Put them in rising order.",
                )
                self._broken.add(item.name)
                return
            edge: Expr = start if previous is None else ex.number(previous * factor, of.type.unit)
            if previous is not None and lower is not None:
                edge = extreme("greatest", [edge, lower])
            capped = of if up_to is None else extreme("least", [of, ex.number(up_to * factor, of.type.unit)])
            width = extreme("greatest", [ex.arith("-", capped, edge), ex.number(0, of.type.unit)])
            full: Expr = ex.number(rate)
            if extra is not None:
                full = ex.arith("+", full, extra)
            part = ex.arith("*", width, full)
            name = f"{item.name}#{index + 1}"
            self.add(
                QuantityDef(
                    name,
                    _band_label(previous, up_to, rate, lower is not None, extra is not None, self, item),
                    part.type,
                    part,
                    clause,
                    item,
                    role="part",
                )
            )
            parts.append(Ref(part.type, "quantity", name))
            previous = up_to
        total = parts[0]
        for part in parts[1:]:
            total = ex.arith("+", total, part)
        self.add(QuantityDef(item.name, label, total.type, total, clause, item, role="bands"))

    def _points(self, item: Item) -> None:
        self.keys(item, "label", "clause", "rows")
        label, clause = self.label(item), self.clause(item)
        rows = item.get("rows")
        if rows is None:
            self.add(QuantityDef(item.name, label, Type("number", POINT), None, clause, item, role="points"))
            return
        total: Expr | None = None
        for index, row in enumerate(rows):
            where = item.origin("rows", index)
            points = figure_of(row.get("points"))
            when = self.condition(row.get("when"), where)
            if points is None or when is None:
                if points is None:
                    self.report(
                        where,
                        zh="计分的每一行要有 when 和 points。",
                        en="Each row of points needs when and points.",
                        fix_zh='写成 { when = "deaths > 0", points = 3 }。',
                        fix_en='Write { when = "deaths > 0", points = 3 }.',
                    )
                self._broken.add(item.name)
                return
            given = row.get("label")
            name = f"{item.name}#{index + 1}"
            expr = ex.choose(when, ex.number(points, POINT), ex.number(0, POINT))
            text = (
                given
                if isinstance(given, dict)
                else {"zh": f"{label['zh']}第 {index + 1} 项", "en": f"{label['en']}, item {index + 1}"}
            )
            self.add(QuantityDef(name, text, expr.type, expr, clause, item, role="part"))
            ref = Ref(expr.type, "quantity", name)
            total = ref if total is None else ex.arith("+", total, ref)
        if total is not None:
            self.add(QuantityDef(item.name, label, total.type, total, clause, item, role="points"))


def _column_label(column: str, lang: str) -> str:
    known = {"tier": ("档次", "tier"), "multiple": ("倍数（月）", "multiple (months)"), "amount": ("金额", "amount")}
    known |= {"least": ("下限", "least"), "most": ("上限", "most"), "rate": ("比例", "rate")}
    return known.get(column, (column, column))[0 if lang == "zh" else 1]


def _band_label(
    low: Fraction | None, high: Fraction | None, rate: Fraction, has_floor: bool, extra: bool, build: Base, item: Item
) -> Label:
    percent = f"{plain(rate * 100)} %"
    plus = {"zh": "（另加提高比例）" if extra else "", "en": " (plus the increase)" if extra else ""}
    if low is None:
        begin = {"zh": "起付线" if has_floor else "0", "en": "the threshold" if has_floor else "0"}
    else:
        begin = {"zh": f"{int(low):,}", "en": f"{int(low):,}"}
    if high is None:
        return {
            "zh": f"{begin['zh']} 以上部分 × {percent}{plus['zh']}",
            "en": f"Part above {begin['en']} × {percent}{plus['en']}",
        }
    return {
        "zh": f"{begin['zh']} 至 {int(high):,} 部分 × {percent}{plus['zh']}",
        "en": f"Part from {begin['en']} to {int(high):,} × {percent}{plus['en']}",
    }
