"""From merged definitions to a typed program: every formula parsed, every unit checked, every name resolved.

A :class:`Program` is what all compilers share (one case, ranges, SQL, kernel). Its order of thought:

1. the *category* whose ``applies`` holds decides track, tier, amount and the clause of refusal;
2. *grounds* refuse (repeat application, means, the category's own condition, the award below the least);
3. the *award* formula turns the category's amount into what is granted;
4. *authority* says who may decide on it.

Decision tables, bands and points are lowered to quantities, so that a compiler knows only expressions.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field
from typing import Any

from .errors import Problem
from .expression import Expr, Ref, Type
from .library import Effective, Item, Origin

AUTHORITIES = {
    "township": ("苏木乡镇（街道）", "township"),
    "county": ("旗县（市、区）民政部门", "county civil affairs"),
    "league": ("盟市民政部门", "league civil affairs"),
    "region": ("自治区民政厅", "regional civil affairs"),
}
TRACKS = {"emergency": ("急难型", "emergency"), "expenditure": ("支出型", "expenditure")}
#: Names that a rulebook may not define, because the system gives them a meaning.
RESERVED = {"amount", "award", "standard_date", "category", "track"}

#: Figures are bounded so that every intermediate result fits a 64-bit number in SQL.
DEFAULT_MAX = {"money": 10**11, "integer": 10**6, "ratio": 10**3}
FAR_PAST, FAR_FUTURE = dt.date(1900, 1, 1).toordinal(), dt.date(2199, 12, 31).toordinal()

Label = dict[str, str]


@dataclass(eq=False)
class FactDef:
    """A fact that a case may state. ``low``/``high`` bound it in base units (fen, days); ``default`` likewise."""

    name: str
    kind: str
    type: Type
    low: int
    high: int
    default: int | None
    label: Label
    ask: Label
    value_labels: dict[str, Label]
    history: dict[str, str]
    item: Item
    slot: int = -1


@dataclass(frozen=True)
class DatedValue:
    """A parameter's value in base units over the type's scale, from a day (ordinal) on."""

    since: int
    until: int
    value: int
    source: str
    origin: Origin


@dataclass(eq=False)
class ParameterDef:
    """A dated figure. ``values`` is empty where the level that should set it has not."""

    name: str
    type: Type
    label: Label
    values: list[DatedValue]
    clause: str
    open: str
    item: Item
    low: int = 0
    high: int = 10**11
    slot: int = -1

    def at(self, day: int) -> DatedValue | None:
        """The value in force on a day (ordinal), or None."""
        for value in reversed(self.values):
            if value.since <= day < value.until:
                return value
        return None


@dataclass(eq=False)
class QuantityDef:
    """A named, cited expression. ``expr`` is None where an open definition has not been given: a gap."""

    name: str
    label: Label
    type: Type
    expr: Expr | None
    clause: str
    item: Item
    role: str = "formula"  # formula | row | column | bands | part | points
    words: Label = field(default_factory=dict)
    row_labels: list[Label] = field(default_factory=list)
    conditions: list[Expr] = field(default_factory=list)  # of a table's rows
    low: int = 0
    high: int = 10**11
    slot: int = -1


@dataclass(eq=False)
class CategoryDef:
    """A clause with its condition, track, tier and amount (or range, at the officer's discretion)."""

    key: str
    clause: str
    track: str
    label: Label
    applies: Expr
    condition: Expr
    tier: Expr | None
    least: Expr | None
    most: Expr | None
    discretion: bool
    item: Item
    award_least: Expr | None = None
    award_most: Expr | None = None


@dataclass(eq=False)
class GroundDef:
    """A ground for refusal; ``when`` is one expression, or one per category for grounds about the award."""

    key: str
    clause: str
    label: Label
    track: str
    about: str
    when: dict[str, Expr]
    item: Item


@dataclass(eq=False)
class AuthorityRow:
    who: str
    limit: Expr | None
    when: Expr | None


@dataclass(eq=False)
class AuthorityDef:
    track: str
    clause: str
    rows: list[AuthorityRow]
    refusal: str
    label: Label
    item: Item


@dataclass(eq=False)
class PanelDef:
    clause: str
    label: Label
    when: Expr
    unless_refused_under: frozenset[str]
    up_to: str | None
    item: Item


@dataclass(eq=False)
class StepDef:
    """A step of the procedure: after what, within what time, who, which papers, what may be waived."""

    key: str
    track: str
    name: str
    label: Label
    clause: str
    after: str
    within: tuple[str, int]
    waivable: bool
    owed: Label
    officers: int
    forms: list[str]
    roles: list[str]
    note: Label
    item: Item


@dataclass(eq=False)
class RuleDef:
    """A constraint between facts (``must`` hold) or a doubt (worth asking about)."""

    name: str
    that: Expr
    label: Label
    item: Item


@dataclass(eq=False)
class Program:
    """A rulebook ready to be compiled."""

    effective: Effective
    facts: dict[str, FactDef]
    parameters: dict[str, ParameterDef]
    quantities: dict[str, QuantityDef]
    categories: list[CategoryDef]
    grounds: list[GroundDef]
    authorities: dict[str, AuthorityDef]
    panel: PanelDef | None
    steps: list[StepDef]
    constraints: list[RuleDef]
    doubts: list[RuleDef]
    standard_date: Expr
    since: int
    until: int
    choose: str
    award_label: Label
    award_clause: str
    no_category: str
    documents: dict[str, dict[str, Any]]
    problems: list[Problem]
    changes: list[int] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.effective.book.id

    @property
    def division(self) -> str:
        return self.effective.book.division

    @property
    def title(self) -> Label:
        return self.effective.book.title

    @property
    def illustrative(self) -> bool:
        return any(b.head.get("illustrative") for b in self.effective.books)

    @functools.cached_property
    def tracks(self) -> list[str]:
        return sorted({c.track for c in self.categories})

    def lookup(self, ref: Ref) -> FactDef | ParameterDef | QuantityDef:
        """The definition that a reference names."""
        if ref.source == "fact":
            return self.facts[ref.name]
        if ref.source == "parameter":
            return self.parameters[ref.name]
        return self.quantities[ref.name]

    def lookup_gap(self, name: str) -> Label:
        """The label of a parameter or quantity that no level has set."""
        return self.parameters[name].label if name in self.parameters else self.quantities[name].label

    def segment(self, day: int) -> int:
        """Which stretch between two changes of the standard a day (ordinal) falls in."""
        import bisect

        return bisect.bisect_right(self.changes, day) - 1

    def gaps(self, day: int) -> list[ParameterDef | QuantityDef]:
        """What the levels so far have left open on a day: parameters without a value, quantities without a formula."""
        missing: list[ParameterDef | QuantityDef] = [p for p in self.parameters.values() if p.at(day) is None]
        return missing + [q for q in self.quantities.values() if q.expr is None]


def clause_key(clause: str) -> tuple[Any, ...]:
    """Clause ids in the order of the document: 2.2 before 2.2.3 before 2.10."""
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in clause.split("."))


#: What a step's time can run from, besides another step.
EVENTS = {
    "application": ("申请之日", "the application"),
    "report": ("接到报告", "the report"),
    "emergency_over": ("急难情况缓解", "the end of the emergency"),
    "decision": ("作出决定", "the decision"),
}


def split_citation(value: str, main: str) -> tuple[str, str]:
    """``"4.1"`` → (main document, 4.1); ``"nm-2018 §4.1"`` → (nm-2018, 4.1); ``"nm-2018"`` → (nm-2018, "")."""
    if "§" in value:
        document, _, clause = value.partition("§")
        return document.strip() or main, clause.strip()
    return (main, value.strip()) if value.strip()[:1].isdigit() else (value.strip(), "")
