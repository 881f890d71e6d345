"""From merged definitions to a typed program: every formula parsed, every unit checked, every name resolved.

Whatever is wrong is collected with its file and line; nothing is raised, so that one run shows every problem.
"""

from __future__ import annotations

import contextlib
import datetime as dt

from .. import expression as ex
from ..expression import DATE, Const, Expr, ExpressionError, Ref
from ..library import Effective
from ..program import (
    FAR_FUTURE,
    FAR_PAST,
    RESERVED,
    ParameterDef,
    Program,
    QuantityDef,
)
from .figures import ordinal_of
from .outcome import Outcome
from .procedure import Procedure
from .quantities import Quantities
from .values import Values


def build_program(effective: Effective) -> Program:
    """Type and resolve a merged rulebook; every problem found is in ``problems`` (nothing is raised)."""
    return _Build(effective).run()


class _Build(Values, Quantities, Outcome, Procedure):
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
        if award is not None:
            self._check_award(award)
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
        since = max(ordinal_of(b.head.get("from"), FAR_PAST) for b in books)
        until = min(ordinal_of(b.head.get("until"), FAR_FUTURE) for b in books)
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
            condition = self.condition(when, where)
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
