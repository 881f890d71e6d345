"""What every part of the builder uses: reporting with the place, citations, names, typed formulas."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from typing import Any

from .. import expression as ex
from ..errors import Problem
from ..expression import DATE, Expr, ExpressionError, Ref
from ..library import Effective, Item, Origin
from ..program import (
    FactDef,
    Label,
    ParameterDef,
    QuantityDef,
    clause_key,
    split_citation,
)
from ..units import BASES, Unit


class Base:
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
            from ..source import read

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
        except ExpressionError as first:
            others = ex.survey(text, scope or self.scope, self.known_names)
            for error in {str(e): e for e in [first, *others] if str(e) != "broken"}.values():
                self.report(where, error)
            return None

    def condition(self, text: Any, where: Origin, scope: ex.Scope | None = None) -> Expr | None:
        """A formula that must be a condition."""
        expr = self.formula(text, where, scope)
        if expr is None or expr.type.kind == "boolean":
            return expr
        self.report(
            where,
            zh=f"这里需要条件，而 {text} 是{expr.type.words()}。",
            en=f"A condition is needed here, but {text} is {expr.type.words('en')}.",
            fix_zh="请写成比较，例如 vehicles > 0。",
            fix_en="Write a comparison, for example vehicles > 0.",
        )
        return None

    def measure(self, text: Any, where: Origin, unit: Unit | None, scope: ex.Scope | None = None) -> Expr | None:
        """A formula that must be a number, in ``unit`` where one is given (zero fits every unit)."""
        expr = self.formula(text, where, scope)
        if expr is None or ex.is_zero(expr):
            return expr
        if expr.type.kind == "number" and unit in (None, expr.type.unit):
            return expr
        wanted = ("数", "a number") if unit is None else (f"以 {unit} 为单位的数", f"a number in {unit}")
        self.report(
            where,
            zh=f"这里需要{wanted[0]}，而 {text} 是{expr.type.words()}。",
            en=f"{wanted[1].capitalize()} is needed here, but {text} is {expr.type.words('en')}.",
            fix_zh="请改正公式或单位。",
            fix_en="Correct the formula or the unit.",
        )
        return None

    def quantity(self, name: str) -> QuantityDef | None:
        raise NotImplementedError

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

    def _reserved(self, item: Item) -> None:
        self.report(
            item.origin(),
            zh=f"名称 {item.name} 由系统使用。",
            en=f"The name {item.name} belongs to the system.",
            fix_zh="请换一个名称。",
            fix_en="Choose another name.",
        )
