"""Quantities: built on first use, so that the order in the file does not matter; circles are found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from .. import expression as ex
from ..expression import DATE, Const, Expr, ExpressionError, Type
from ..library import Item, Origin
from ..program import (
    QuantityDef,
)
from ..units import RATIO, Unit, UnitError
from .figures import same_type, scaled
from .tables import Tables


class Quantities(Tables):
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
        elif declared is not None and not same_type(expr, declared):
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
                low=scaled(item.get("min", 0), factor),
                high=scaled(item.get("max", 10**9 if kind.unit.is_money else 10**6), factor),
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
