"""From merged definitions to a typed program: every formula parsed, every unit checked, every name resolved.

Whatever is wrong is collected with its file and line; nothing is raised, so that one run shows every problem.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import functools
from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Any

from . import expression as ex
from .errors import Problem
from .expression import DATE, Const, Expr, ExpressionError, Ref, Type
from .library import Effective, Item, Origin
from .program import (
    AUTHORITIES,
    DEFAULT_MAX,
    EVENTS,
    FAR_FUTURE,
    FAR_PAST,
    RESERVED,
    TRACKS,
    AuthorityDef,
    AuthorityRow,
    CategoryDef,
    DatedValue,
    FactDef,
    GroundDef,
    Label,
    PanelDef,
    ParameterDef,
    Program,
    QuantityDef,
    RuleDef,
    StepDef,
    clause_key,
    split_citation,
)
from .units import BASES, POINT, RATIO, TIER, YUAN, Unit, UnitError


def build_program(effective: Effective) -> Program:
    """Type and resolve a merged rulebook; every problem found is in ``problems`` (nothing is raised)."""
    return _Build(effective).run()


class _Build:
    def __init__(self, effective: Effective) -> None:
        self.effective = effective
        self.problems: list[Problem] = list(effective.problems)
        self.facts: dict[str, FactDef] = {}
        self.parameters: dict[str, ParameterDef] = {}
        self.quantities: dict[str, QuantityDef] = {}
        self.standard_date: Expr = Ref(DATE, "fact", "applied_on")
        self._building: list[str] = []
        self._broken: set[str] = set()
        self._extra: dict[str, Callable[[], Expr | None]] = {}
        self.documents = {str(d.get("id")): d for d, _ in effective.lists["document"]}

    # --- reporting ---

    def report(self, where: Origin, error: ExpressionError | None = None, **text: str) -> None:
        if error is not None:
            text = {"zh": error.zh, "en": error.en, "fix_zh": error.fix_zh, "fix_en": error.fix_en}
        self.problems.append(where.problem(text["zh"], text["en"], text.get("fix_zh", ""), text.get("fix_en", "")))

    def keys(self, item: Item, *known: str) -> None:
        """Every key of an item must be known."""
        for key in item.data:
            if key not in known and key not in ("open", "note"):
                where = item.origin(key)
                near = difflib.get_close_matches(key, known, n=1)
                self.report(
                    where,
                    zh=f"[{item.section}.{item.name}] 没有键 {key}。",
                    en=f"[{item.section}.{item.name}] has no key {key}.",
                    fix_zh=f"是否想写 {near[0]}？" if near else f"可用：{'、'.join(known)}。",
                    fix_en=f"Did you mean {near[0]}?" if near else f"Use {', '.join(known)}.",
                )

    def label(self, item: Item, key: str = "label", *, required: bool = True) -> Label:
        value = item.get(key)
        if isinstance(value, dict) and value.get("zh") and value.get("en"):
            return {"zh": str(value["zh"]), "en": str(value["en"])}
        if value is not None or required:
            self.report(
                item.origin(key),
                zh=f"{item.name} 的 {key} 要有中文和英文。",
                en=f"The {key} of {item.name} needs Chinese and English.",
                fix_zh=f'写成 {key} = {{ zh = "…", en = "…" }}。',
                fix_en=f'Write {key} = {{ zh = "…", en = "…" }}.',
            )
        return {"zh": item.name, "en": item.name}

    def clause(self, item: Item, key: str = "clause", *, required: bool = True) -> str:
        """A citation: ``4.1`` in the main document, or ``document §4.1``; must name a clause that exists."""
        value = item.get(key)
        if value is None:
            if required:
                self.report(
                    item.origin(),
                    zh=f"[{item.section}.{item.name}] 没有注明依据的条款。",
                    en=f"[{item.section}.{item.name}] cites no clause.",
                    fix_zh='请写 clause = "条款编号"。',
                    fix_en='Write clause = "id of the clause".',
                )
            return ""
        if not isinstance(value, str):
            self.report(
                item.origin(key),
                zh=f"条款编号 {value} 要加引号。",
                en=f"The clause {value} must be a string.",
                fix_zh=f'写成 clause = "{value}"。',
                fix_en=f'Write clause = "{value}".',
            )
            return str(value)
        self.cite(value, item.origin(key))
        return value.strip()

    def cite(self, value: str, where: Origin) -> None:
        document, clause = split_citation(value, self.main_document(where))
        known = self.documents.get(document)
        if known is None:
            self.report(
                where,
                zh=f"引用了未登记的文件 {document}。",
                en=f"The document {document} is not registered.",
                fix_zh=f"已登记：{'、'.join(self.documents)}；或加一个 [[document]]。",
                fix_en=f"Registered: {', '.join(self.documents)}; or add a [[document]].",
            )
            return
        clauses = self.clauses(document)
        if clauses is not None and clause and clause not in clauses:
            self.report(
                where,
                zh=f"文件 {document} 没有条款 {clause}。",
                en=f"{document} has no clause {clause}.",
                fix_zh=f"可用：{'、'.join(sorted(clauses, key=clause_key))}。",
                fix_en=f"Use one of {', '.join(sorted(clauses, key=clause_key))}.",
            )

    def main_document(self, where: Origin) -> str:
        """The document that a bare clause id belongs to: the top book's, for decisions cite the upper law."""
        return self.effective.books[0].document

    @functools.cache  # noqa: B019 - lives as long as one build
    def clauses(self, document: str) -> frozenset[str] | None:
        """The clause ids of a document, or None where it registers none."""
        entry = self.documents.get(document, {})
        clauses = entry.get("clauses")
        if isinstance(clauses, dict):
            return frozenset(clauses)
        if isinstance(clauses, str):
            from .source import read

            for _, origin in self.effective.lists["document"]:
                path = origin.source.path.parent / clauses
                if path.is_file():
                    return frozenset(c["id"] for c in read(path).data.get("clause", []))
        return None

    # --- names ---

    def scope(self, name: str) -> Expr | None:
        if name == "standard_date":
            return self.standard_date
        if name in self.facts:
            return Ref(self.facts[name].type, "fact", name)
        if name in self.parameters:
            return Ref(self.parameters[name].type, "parameter", name)
        definition = self.quantity(name)
        return Ref(definition.type, "quantity", name) if definition else None

    @functools.cached_property
    def known_names(self) -> dict[str, object]:
        names: dict[str, object] = dict.fromkeys([*self.facts, *self.parameters])
        for section in ("quantity", "bands", "points"):
            names.update(dict.fromkeys(self.effective.named(section)))
        for name, table in self.effective.named("table").items():
            for column in table.get("gives", {}) or {}:
                names[f"{name}.{column}"] = None
        return names

    def formula(self, text: Any, where: Origin, scope: ex.Scope | None = None) -> Expr | None:
        if not isinstance(text, str):
            self.report(
                where,
                zh=f"公式要写成带引号的文字，这里是 {text}。",
                en=f"A formula must be a string, not {text}.",
                fix_zh="请加引号；数字请设为参数。",
                fix_en="Put it in quotes; make a figure a parameter.",
            )
            return None
        try:
            return ex.build(text, scope or self.scope, self.known_names)
        except ExpressionError as error:
            if str(error) != "broken":
                self.report(where, error)
            return None

    def quantity(self, name: str) -> QuantityDef | None:
        """The definition of a quantity, built on first use; cycles are reported once."""
        if name in self.quantities:
            return self.quantities[name]
        if name in self._broken:
            raise ExpressionError("", "broken")
        base = name.split(".")[0].split("#")[0]
        item = self.effective.named("quantity").get(name)
        builder: Callable[[Item], None]
        if item is not None:
            builder = self._formula_quantity
        elif base in self.effective.named("table") and name != base:
            item, builder = self.effective.named("table")[base], self._table
        elif name in self.effective.named("bands"):
            item, builder = self.effective.named("bands")[name], self._bands
        elif name in self.effective.named("points"):
            item, builder = self.effective.named("points")[name], self._points
        else:
            return None
        if base in self._building:
            circle = [*self._building[self._building.index(base) :], base]
            self._broken.add(name)
            self.report(
                item.origin(),
                zh=f"定义循环：{' → '.join(circle)}。",
                en=f"The definitions run in a circle: {' → '.join(circle)}.",
                fix_zh="请让其中一项不再依赖后面的项。",
                fix_en="Let one of them no longer depend on the next.",
            )
            raise ExpressionError("", "broken")
        self._building.append(base)
        try:
            builder(item)
        finally:
            self._building.pop()
        if name in self.quantities:
            return self.quantities[name]
        if base in self.effective.named("table") and "." in name and base not in self._broken:
            return None
        self._broken.add(name)
        raise ExpressionError("", "broken")

    def _dated(self, item: Item, key: str, make: Callable[[Any, Origin], Expr | None]) -> Expr | None:
        """The definition, with later ``versions`` laid over it by date."""
        result = make(item.get(key), item.origin(key)) if item.get(key) is not None else None
        for index, version in enumerate(item.get("versions", []) or []):
            where = item.origin("versions", index)
            since = version.get("from")
            if not isinstance(since, dt.date) or key not in version:
                self.report(
                    where,
                    zh=f"versions 的每一项要有 from 和 {key}。",
                    en=f"Each of versions needs from and {key}.",
                    fix_zh=f"写成 {{ from = 2027-01-01, {key} = … }}。",
                    fix_en=f"Write {{ from = 2027-01-01, {key} = … }}.",
                )
                continue
            later = make(version[key], where)
            if later is None or result is None:
                return None
            begins = Const(DATE, since.toordinal())
            try:
                result = ex.choose(ex.compare(">=", self.standard_date, begins), later, result)
            except ExpressionError as error:
                self.report(where, error)
        return result

    def _formula_quantity(self, item: Item) -> None:
        self.keys(item, "label", "unit", "type", "formula", "clause", "words", "versions", "min", "max")
        declared = self._declared_type(item)
        expr = self._dated(item, "formula", lambda text, where: self.formula(text, where))
        if expr is None:
            if item.get("formula") is not None or declared is None:
                if item.get("formula") is None:
                    self.report(
                        item.origin(),
                        zh=f"{item.name} 没有公式，也没有说明类型。",
                        en=f"{item.name} has neither a formula nor a type.",
                        fix_zh="写 formula；若留给下级，写 type 或 unit，并写 open。",
                        fix_en="Write formula; if it is left to a lower level, write type or unit, and open.",
                    )
                self._broken.add(item.name)
                return
            if not item.get("open"):
                self.report(
                    item.origin(),
                    zh=f"{item.name} 没有公式，也没有开放给下级。",
                    en=f"{item.name} has no formula and is not open to a lower level.",
                    fix_zh='写 formula，或写 open = "league"。',
                    fix_en='Write formula, or open = "league".',
                )
        elif declared is not None and not _same_type(expr, declared):
            self.report(
                item.origin("formula"),
                zh=f"{item.name} 的公式得出 {expr.type.words()}，而注明的是 {declared.words()}。",
                en=f"The formula of {item.name} yields {expr.type.words('en')}, but {declared.words('en')} is declared.",
                fix_zh="请改正公式，或改正 unit。",
                fix_en="Correct the formula or the unit.",
            )
        kind = declared or (expr.type if expr else ex.BOOLEAN)
        if expr is not None:
            kind = expr.type if not ex.is_zero(expr) else kind
        words = item.get("words") or {}
        factor = 100 if kind.unit.is_money else 1
        self.add(
            QuantityDef(
                item.name,
                self.label(item),
                kind,
                expr,
                self.clause(item),
                item,
                words=words if isinstance(words, dict) else {},
                low=_scaled(item.get("min", 0), factor),
                high=_scaled(item.get("max", 10**9 if kind.unit.is_money else 10**6), factor),
            )
        )

    def _declared_type(self, item: Item) -> Type | None:
        declared = item.get("type")
        if declared == "boolean":
            return ex.BOOLEAN
        if declared == "date":
            return DATE
        unit = item.get("unit")
        if unit is None and declared is None:
            return None
        try:
            return Type("number", Unit.parse(str(unit)) if unit is not None else RATIO)
        except UnitError:
            self._bad_unit(item, str(unit))
            return None

    def _bad_unit(self, item: Item, text: str) -> None:
        self.report(
            item.origin("unit"),
            zh=f"单位 {text} 未知。",
            en=f"The unit {text} is not known.",
            fix_zh=f"由 {'、'.join(BASES)} 组成，如 yuan/person/month；比率写 ratio。",
            fix_en=f"Compose it of {', '.join(BASES)}, such as yuan/person/month; a rate is ratio.",
        )

    def add(self, definition: QuantityDef) -> None:
        self.quantities[definition.name] = definition

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
            low = _scaled(item.get("min", 0), factor)
            high = (
                _scaled(item.get("max"), factor)
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
                default = _scaled(given, 100 if kind == "money" else made.scale)
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

    def _reserved(self, item: Item) -> None:
        self.report(
            item.origin(),
            zh=f"名称 {item.name} 由系统使用。",
            en=f"The name {item.name} belongs to the system.",
            fix_zh="请换一个名称。",
            fix_en="Choose another name.",
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
            exact = _exact(value.get("value"))
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
            low=_scaled(item.get("min", 0), factor * scale),
            high=_scaled(item.get("max", 10**9 if unit.is_money else 10**4), factor * scale),
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
            for name, cell in (row.get("when") or {}).items():
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
        exact = _exact(text)
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
        exact = _exact(value) if not isinstance(value, str) else None
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
        of = self.formula(item.get("of"), item.origin("of"))
        lower = self.formula(item.get("from"), item.origin("from")) if item.get("from") is not None else None
        extra = self.formula(item.get("add_rate"), item.origin("add_rate")) if item.get("add_rate") else None
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
            rate = _exact(row.get("rate")) if isinstance(row, dict) else None
            up_to = _exact(row.get("up_to")) if isinstance(row, dict) and "up_to" in row else None
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
                    zh=f"分段的上限要递增：{_plain(up_to)} 不大于 {_plain(previous)}。",
                    en=f"Bands must rise: {_plain(up_to)} is not above {_plain(previous)}.",
                    fix_zh="请按从小到大排列。",
                    fix_en="Put them in rising order.",
                )
                self._broken.add(item.name)
                return
            edge: Expr = start if previous is None else ex.number(previous * factor, of.type.unit)
            if previous is not None and lower is not None:
                edge = _extreme("greatest", [edge, lower])
            capped = of if up_to is None else _extreme("least", [of, ex.number(up_to * factor, of.type.unit)])
            width = _extreme("greatest", [ex.arith("-", capped, edge), ex.number(0, of.type.unit)])
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
            points = _exact(row.get("points"))
            when = self.formula(row.get("when"), where)
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

    # --- the decision ---

    def run(self) -> Program:
        self.read_facts()
        self.read_parameters()
        self._read_dates()
        for section in ("quantity", "bands", "points"):
            for name in self.effective.named(section):
                if name in self.facts or name in self.parameters or name in RESERVED:
                    self._reserved(self.effective.named(section)[name])
                    continue
                self._touch(name)
        for name, table in self.effective.named("table").items():
            for column in table.get("gives") or {"": ""}:
                self._touch(f"{name}.{column}")
        award = self.effective.single("award")
        categories = [c for c in (self._category(i, award) for i in self.effective.named("category").values()) if c]
        grounds = [g for g in (self._ground(i, categories) for i in self.effective.named("ground").values()) if g]
        authorities = {i.name: a for i in self.effective.named("authority").values() if (a := self._authority(i))}
        for category in categories:
            if category.track not in authorities and category.item.get("open") is None:
                self.report(
                    category.item.origin("track"),
                    zh=f"没有说明 {category.track} 由谁审批。",
                    en=f"Nothing says who decides on the track {category.track}.",
                    fix_zh=f"请加 [authority.{category.track}]。",
                    fix_en=f"Add [authority.{category.track}].",
                )
        books = self.effective.books
        since = max(_day(b.head.get("from"), FAR_PAST) for b in books)
        until = min(_day(b.head.get("until"), FAR_FUTURE) for b in books)
        program = Program(
            self.effective,
            self.facts,
            self.parameters,
            self.quantities,
            categories,
            grounds,
            authorities,
            self._panel(),
            [s for s in (self._step(i) for i in self.effective.named("step").values()) if s],
            self._rules("constraint"),
            self._rules("doubt"),
            self.standard_date,
            since,
            until,
            str(award.get("choose", "first")) if award else "first",
            self.label(award) if award else {"zh": "救助金额", "en": "Award"},
            self.clause(award) if award else "",
            next((str(b.head["no_category"]) for b in reversed(books) if "no_category" in b.head), ""),
            self.documents,
            self.problems,
        )
        for slot, fact in enumerate(program.facts.values()):
            fact.slot = slot
        slot = len(program.facts)
        slotted: list[ParameterDef | QuantityDef] = [*program.parameters.values(), *program.quantities.values()]
        for thing in slotted:
            thing.slot = slot
            slot += 1
        program.changes = _changes(program)
        return program

    def _touch(self, name: str) -> None:
        with contextlib.suppress(ExpressionError):
            self.quantity(name)

    def _read_dates(self) -> None:
        """The date that counts, with transition rules between two versions laid over it."""
        base = next((b.head["date"] for b in reversed(self.effective.books) if "date" in b.head), "applied_on")
        if base in self.facts:
            self.standard_date = Ref(DATE, "fact", str(base))
        for data, where in self.effective.lists["transition"]:
            at, until, when = data.get("at"), data.get("until"), data.get("when")
            if not isinstance(at, dt.date) or when is None:
                self.report(
                    where,
                    zh="过渡规定要有 at（新标准的日期）和 when（何时仍用旧标准）。",
                    en="A transition needs at (the day of the change) and when (who keeps the old standard).",
                    fix_zh="写成 at = 2026-01-01，when = \"event_on < '2026-01-01'\"。",
                    fix_en="Write at = 2026-01-01 and when = \"event_on < '2026-01-01'\".",
                )
                continue
            condition = self.formula(when, where)
            if "clause" in data:
                self.cite(str(data["clause"]), where)
            if condition is None:
                continue
            day = self.standard_date
            tests = [ex.compare(">=", day, Const(DATE, at.toordinal())), condition]
            if isinstance(until, dt.date):
                tests.append(ex.compare("<=", day, Const(DATE, until.toordinal())))
            before = Const(DATE, at.toordinal() - 1)
            self.standard_date = ex.choose(ex.all_of(*tests), before, day)

    def _derived(self, name: str, label: Label, expr: Expr, clause: str, item: Item) -> Ref:
        self.add(QuantityDef(name, label, expr.type, expr, clause, item, role="derived"))
        return Ref(expr.type, "quantity", name)

    def _category(self, item: Item, award: Item | None) -> CategoryDef | None:
        self.keys(
            item,
            "clause",
            "track",
            "label",
            "applies",
            "condition",
            "condition_label",
            "tier",
            "amount",
            "least",
            "most",
        )
        clause, label = self.clause(item), self.label(item)
        track = item.get("track")
        if track not in TRACKS:
            self.report(
                item.origin("track"),
                zh=f"类别 {item.name} 的程序类型 {track} 未知。",
                en=f"The track {track} of category {item.name} is not known.",
                fix_zh=f"可用：{'、'.join(TRACKS)}。",
                fix_en=f"Use one of {', '.join(TRACKS)}.",
            )
            return None
        applies = self.formula(item.get("applies"), item.origin("applies"))
        condition: Expr | None = ex.TRUE
        if item.get("condition") is not None:
            condition = self.formula(item.get("condition"), item.origin("condition"))
            if condition is not None:
                words = (
                    self.label(item, "condition_label")
                    if "condition_label" in item.data
                    else {"zh": f"{label['zh']}：符合条件", "en": f"{label['en']}: condition met"}
                )
                condition = self._derived(f"condition:{item.name}", words, condition, clause, item)
        if applies is None or condition is None:
            return None
        tier = self._tier(item)
        least = most = None
        discretion = "least" in item.data or "most" in item.data
        if discretion:
            least = self._money(item, "least")
            most = self._money(item, "most")
        elif "amount" in item.data:
            least = most = self._money(item, "amount")
        made = CategoryDef(item.name, clause, track, label, applies, condition, tier, least, most, discretion, item)
        if least is not None and most is not None:
            self._award(made, award)
        return made

    def _tier(self, item: Item) -> Expr | None:
        tier = item.get("tier")
        if tier is None:
            return None
        if isinstance(tier, int):
            return ex.number(tier, TIER)
        return self.formula(tier, item.origin("tier"))

    def _money(self, item: Item, key: str) -> Expr | None:
        expr = self.formula(item.get(key), item.origin(key))
        if expr is not None and (expr.type.kind != "number" or expr.type.unit != YUAN) and not ex.is_zero(expr):
            self.report(
                item.origin(key),
                zh=f"{item.name} 的 {key} 得出 {expr.type.words()}，应为 yuan。",
                en=f"The {key} of {item.name} is in {expr.type.words('en')}, not in yuan.",
                fix_zh="请检查公式的单位。",
                fix_en="Check the units of the formula.",
            )
            return None
        return expr

    def _award(self, category: CategoryDef, award: Item | None) -> None:
        assert category.least is not None and category.most is not None
        words = {"zh": "核定金额", "en": "Computed amount"}
        made: dict[str, Expr] = {}
        ends = (
            (("least", category.least), ("most", category.most)) if category.discretion else (("most", category.most),)
        )
        for end, raw in ends:
            name = f"amount:{category.key}" + (f":{end}" if category.discretion else "")
            text = dict(words)
            if category.discretion:
                text = {
                    "zh": f"{words['zh']}（{'下限' if end == 'least' else '上限'}）",
                    "en": f"{words['en']} ({end})",
                }
            ref = self._derived(name, text, raw, category.clause, category.item)
            formula = award.get("formula") if award else None
            expr: Expr | None = ref
            if formula is not None and award is not None:

                def scope(wanted: str, ref: Expr = ref) -> Expr | None:
                    return ref if wanted == "amount" else self.scope(wanted)

                expr = self.formula(formula, award.origin("formula"), scope)
            if expr is None:
                return
            if expr.scale != 1:
                assert award is not None or category.item is not None
                self.report(
                    award.origin("formula") if award else category.item.origin(),
                    zh="救助金额可能不是整分。",
                    en="The award may have a fraction of a fen.",
                    fix_zh="请在 [award] 的 formula 里写 round_half_up(amount, 'yuan') 或 'fen'。",
                    fix_en="Write round_half_up(amount, 'yuan') or 'fen' in the formula of [award].",
                )
                return
            label = self.label(award) if award else words
            clause = self.clause(award) if award else category.clause
            name = f"award:{category.key}" + (f":{end}" if category.discretion else "")
            made[end] = self._derived(name, label, expr, clause, award or category.item)
        category.award_most = made["most"]
        category.award_least = made.get("least", made["most"])

    def _ground(self, item: Item, categories: list[CategoryDef]) -> GroundDef | None:
        self.keys(item, "clause", "label", "when", "track", "about")
        clause, label = self.clause(item), self.label(item)
        about = item.get("about", "application")
        track = item.get("track", "")
        if about not in ("application", "award") or (track and track not in TRACKS):
            self.report(
                item.origin("about" if about not in ("application", "award") else "track"),
                zh=f"理由 {item.name} 的 about 或 track 不对。",
                en=f"about or track of the ground {item.name} is wrong.",
                fix_zh="about 用 application 或 award；track 用 emergency 或 expenditure。",
                fix_en="about is application or award; track is emergency or expenditure.",
            )
            return None
        if item.get("when") is None and item.get("open"):
            return None
        when: dict[str, Expr] = {}
        for category in categories:
            if track and category.track != track:
                continue
            if about == "award":
                if category.award_most is None:
                    continue
                award, amount = category.award_most, category.most

                def scope(name: str, award: Expr = award, amount: Expr | None = amount) -> Expr | None:
                    return award if name == "award" else amount if name == "amount" else self.scope(name)

                expr = self.formula(item.get("when"), item.origin("when"), scope)
                if expr is None:
                    return None
                when[category.key] = self._derived(f"ground:{item.name}:{category.key}", label, expr, clause, item)
            else:
                name = f"ground:{item.name}"
                if name not in self.quantities:
                    expr = self.formula(item.get("when"), item.origin("when"))
                    if expr is None:
                        return None
                    self._derived(name, label, expr, clause, item)
                when[category.key] = Ref(ex.BOOLEAN, "quantity", name)
        return GroundDef(item.name, clause, label, track, about, when, item)

    def _authority(self, item: Item) -> AuthorityDef | None:
        self.keys(item, "clause", "label", "rows", "refusal")
        rows: list[AuthorityRow] = []
        given = item.get("rows")
        for index, row in enumerate(given if isinstance(given, list) else []):
            where = item.origin("rows", index)
            who = row.get("decides")
            if who not in AUTHORITIES:
                self._bad_authority(where, str(who))
                return None
            limit = self.formula(row["up_to"], where) if "up_to" in row else None
            when = self.formula(row["when"], where) if "when" in row else None
            if ("up_to" in row and limit is None) or ("when" in row and when is None):
                return None
            if limit is not None and limit.type.unit != YUAN:
                self.report(
                    where,
                    zh="审批额度的单位应为 yuan。",
                    en="The limit must be in yuan.",
                    fix_zh="请检查单位。",
                    fix_en="Check its unit.",
                )
                return None
            rows.append(AuthorityRow(who, limit, when))
        if not rows or rows[-1].limit is not None or rows[-1].when is not None:
            self.report(
                item.origin("rows"),
                zh=f"[authority.{item.name}] 的最后一行要不设限额，说明其余由谁决定。",
                en=f"The last row of [authority.{item.name}] must have no limit: it says who decides the rest.",
                fix_zh='例如 { decides = "county" }。',
                fix_en='For example { decides = "county" }.',
            )
            return None
        refusal = item.get("refusal")
        if refusal not in AUTHORITIES:
            self._bad_authority(item.origin("refusal"), str(refusal))
            return None
        return AuthorityDef(item.name, self.clause(item), rows, str(refusal), self.label(item), item)

    def _bad_authority(self, where: Origin, who: str) -> None:
        self.report(
            where,
            zh=f"审批机关 {who} 未知。",
            en=f"The authority {who} is not known.",
            fix_zh=f"可用：{'、'.join(AUTHORITIES)}。",
            fix_en=f"Use one of {', '.join(AUTHORITIES)}.",
        )

    def _panel(self) -> PanelDef | None:
        item = self.effective.single("panel")
        if item is None:
            return None
        self.keys(item, "clause", "label", "when", "unless_refused_under", "up_to")
        if item.get("when") is None:
            return None
        when = self.formula(item.get("when"), item.origin("when"))
        if when is None:
            return None
        clause, label = self.clause(item), self.label(item)
        ref = self._derived("panel", label, when, clause, item)
        up_to = item.get("up_to")
        if up_to is not None and up_to not in self.parameters:
            self.report(item.origin("up_to"), ex.unknown_name(str(up_to), list(self.parameters)))
        return PanelDef(clause, label, ref, frozenset(item.get("unless_refused_under", [])), up_to, item)

    def _step(self, item: Item) -> StepDef | None:
        self.keys(
            item,
            "clause",
            "label",
            "after",
            "within",
            "waivable",
            "owed",
            "officers",
            "forms",
            "roles",
            "explain",
        )
        track, _, name = item.name.partition(".")
        if track not in TRACKS:
            self.report(
                item.origin(),
                zh=f"步骤 {item.name} 的程序类型 {track} 未知。",
                en=f"The track {track} of the step {item.name} is not known.",
                fix_zh="写成 [step.emergency.名称] 或 [step.expenditure.名称]。",
                fix_en="Write [step.emergency.name] or [step.expenditure.name].",
            )
            return None
        after = str(item.get("after", "application"))
        siblings = {n.partition(".")[2] for n in self.effective.named("step") if n.startswith(track + ".")}
        if after not in siblings | set(EVENTS):
            self.report(
                item.origin("after"),
                zh=f"步骤 {name} 从 {after} 起算，但没有这个步骤或事件。",
                en=f"The step {name} runs from {after}, which is neither a step nor an event.",
                fix_zh=f"可用：{'、'.join(sorted(siblings | set(EVENTS)))}。",
                fix_en=f"Use one of {', '.join(sorted(siblings | set(EVENTS)))}.",
            )
            return None
        within = item.get("within")
        limit: tuple[str, int] = ("", 0)
        if within is None:
            if not item.get("open"):
                self.report(
                    item.origin(),
                    zh=f"步骤 {name} 没有时限，也没有开放给下级。",
                    en=f"The step {name} has no time limit and is not open to a lower level.",
                    fix_zh='写 within = { working_days = 5 }，或 open = "league"。',
                    fix_en='Write within = { working_days = 5 }, or open = "league".',
                )
        elif (
            isinstance(within, dict)
            and len(within) == 1
            and next(iter(within)) in ("hours", "working_days", "calendar_days")
        ):
            limit = (str(next(iter(within))), int(next(iter(within.values()))))
        else:
            self.report(
                item.origin("within"),
                zh=f"步骤 {name} 的时限写法不对。",
                en=f"The time limit of {name} is not written right.",
                fix_zh="用 hours、working_days 或 calendar_days 之一。",
                fix_en="Use one of hours, working_days, calendar_days.",
            )
            return None
        empty = {"zh": "", "en": ""}
        return StepDef(
            item.name,
            track,
            name,
            self.label(item),
            self.clause(item),
            after,
            limit,
            bool(item.get("waivable", False)),
            self.label(item, "owed") if "owed" in item.data else empty,
            int(item.get("officers", 1)),
            list(item.get("forms", [])),
            list(item.get("roles", [])),
            self.label(item, "explain") if "explain" in item.data else empty,
            item,
        )

    def _rules(self, section: str) -> list[RuleDef]:
        rules = []
        for item in self.effective.named(section).values():
            self.keys(item, "that", "label", "clause")
            that = self.formula(item.get("that"), item.origin("that"))
            if that is not None:
                rules.append(RuleDef(item.name, that, self.label(item), item))
        return rules


def _extreme(which: Any, items: list[Expr]) -> Expr:
    return ex.Extreme(ex.common_type(items, which), which, tuple(items))


def _same_type(expr: Expr, declared: Type) -> bool:
    if ex.is_zero(expr):
        return declared.kind == "number"
    return expr.type.kind == declared.kind and expr.type.unit == declared.unit


def _exact(value: Any) -> Fraction | None:
    """A figure as written, exactly: 0.35 is 35/100, not the nearest binary fraction."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return Fraction(str(value))
    if isinstance(value, str):
        try:
            return Fraction(value.replace(",", "").strip())
        except (ValueError, ZeroDivisionError):
            return None
    return None


def _scaled(value: Any, factor: int) -> int:
    exact = _exact(value)
    return int((exact if exact is not None else Fraction(0)) * factor)


def _plain(value: Fraction) -> str:
    return f"{value.numerator}" if value.denominator == 1 else f"{float(value):g}"


def _column_label(column: str, lang: str) -> str:
    known = {"tier": ("档次", "tier"), "multiple": ("倍数（月）", "multiple (months)"), "amount": ("金额", "amount")}
    known |= {"least": ("下限", "least"), "most": ("上限", "most"), "rate": ("比例", "rate")}
    return known.get(column, (column, column))[0 if lang == "zh" else 1]


def _band_label(
    low: Fraction | None, high: Fraction | None, rate: Fraction, has_floor: bool, extra: bool, build: _Build, item: Item
) -> Label:
    percent = f"{_plain(rate * 100)} %"
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


def _day(value: Any, otherwise: int) -> int:
    return value.toordinal() if isinstance(value, dt.date) else otherwise


def _changes(program: Program) -> list[int]:
    """The days (ordinals) on which the standard changes, from the first day in force on."""
    days = {program.since}
    for parameter in program.parameters.values():
        for value in parameter.values:
            days.update(d for d in (value.since, value.until) if program.since < d < program.until)

    def walk(expr: Expr) -> None:
        if isinstance(expr, ex.Compare) and isinstance(expr.right, Const) and expr.right.type.kind == "date":
            day = expr.right.value + (1 if expr.op in ("<=", ">") else 0)
            if program.since < day < program.until:
                days.add(day)
        for part in expr.parts:
            walk(part)

    for quantity in program.quantities.values():
        if quantity.expr is not None:
            walk(quantity.expr)
    return sorted(days)
