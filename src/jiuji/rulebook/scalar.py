"""One case, complete facts: the rulebook compiled to Python functions.

For each stretch of dates between two changes of the standard, every quantity becomes one small function over a
list of slots (facts first, then memoised quantities). Parameters are constants there. A fact that is not known is
``None``; the generated code is written so that touching it raises ``TypeError`` (never a wrong answer), and the
caller then reasons over ranges instead (``ranges.py``). A fact that the case does not need is never touched.

The trace is built by a second set of generated functions, which walk only what presently decides: of a false
*all*, the first false item; of a true *any*, the first true one; of a choice, the conditions walked and the branch
taken; of a least or greatest, the first item and the limit that bites.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from math import lcm
from typing import Any

from . import expression as ex
from .expression import Const, Expr, Ref, Type
from .program import AUTHORITIES, CategoryDef, Label, Program, QuantityDef
from .words import formula_words

#: (meta, value, children): a node of the trace; ``value`` is in base units, or a pair where only a range is known.
Node = tuple["Meta", Any, list[Any]]
NOTHING: list[Any] = []


@dataclass(eq=False, slots=True)
class Meta:
    """What never changes about a node of the trace."""

    kind: str  # fact | parameter | quantity | row | ground | decision | authority
    name: str
    label: Label
    clause: str
    type: Type
    expr: Expr | None = None
    value_labels: dict[str, Label] | None = None
    source: str = ""
    gap: bool = False
    words: dict[str, str] = field(default_factory=dict)  # the formula in words, by language, once asked for


def month_of(day: int) -> int:
    return dt.date.fromordinal(day).month


def year_of(day: int) -> int:
    return dt.date.fromordinal(day).year


class Metas:
    """The static half of trace nodes, shared by both evaluators of one segment."""

    def __init__(self, program: Program, segment: int) -> None:
        self.program = program
        day = program.changes[segment]
        self.day = day
        self.fact = {
            f.name: Meta("fact", f.name, f.label, "", f.type, None, f.value_labels) for f in program.facts.values()
        }
        self.parameter: dict[str, Meta] = {}
        self.value: dict[str, int | None] = {}
        for p in program.parameters.values():
            dated = p.at(day)
            self.value[p.name] = dated.value if dated else None
            source = ""
            if dated:
                since = dt.date.fromordinal(dated.since).isoformat()
                source = f"{dated.origin.book.id} {since}"
            self.parameter[p.name] = Meta(
                "parameter", p.name, p.label, p.clause, p.type, None, None, source, dated is None
            )
        self.quantity = {
            q.name: Meta(
                "ground" if q.name.startswith("ground:") else "row" if q.role == "row" else "quantity",
                q.name,
                q.label,
                q.clause,
                q.type,
                q.expr,
                None,
                "",
                q.expr is None,
            )
            for q in program.quantities.values()
        }
        self.rows: dict[str, list[Meta]] = {}
        for q in program.quantities.values():
            if q.role == "row":
                conditions = q.conditions
                self.rows[q.name] = [
                    Meta("row", q.name, _row_label(q, i, conditions[i], program), q.clause, ex.BOOLEAN)
                    for i in range(len(conditions))
                ]
        self.authority = {
            a.track: Meta(
                "authority",
                "authority",
                a.label,
                a.clause,
                Type("enum", values=tuple(AUTHORITIES)),
                None,
                {k: {"zh": v[0], "en": v[1]} for k, v in AUTHORITIES.items()},
            )
            for a in program.authorities.values()
        }


def _row_label(quantity: QuantityDef, index: int, condition: Expr, program: Program) -> Label:
    given = quantity.row_labels[index]
    if given.get("zh"):
        return {"zh": f"第 {index + 1} 行：{given['zh']}", "en": f"row {index + 1}: {given.get('en', given['zh'])}"}
    if isinstance(condition, Const):
        return {"zh": f"第 {index + 1} 行：其他情形", "en": f"row {index + 1}: otherwise"}
    return {
        "zh": f"第 {index + 1} 行：{formula_words(condition, program, 'zh')}",
        "en": f"row {index + 1}: {formula_words(condition, program, 'en')}",
    }


class Segment:
    """The compiled functions of one stretch of dates."""

    category: Callable[[list[Any]], int]
    outcome: list[Callable[[list[Any]], tuple[Any, ...]]]
    decide: list[Callable[[list[Any]], tuple[Any, ...]]]

    def __init__(self, program: Program, segment: int) -> None:
        self.program = program
        self.index = segment
        self.metas = Metas(program, segment)
        self.slots = len(program.facts) + len(program.parameters) + len(program.quantities)
        emitter = _Emitter(program, self.metas, self.slots)
        self.source = emitter.module()
        space = emitter.space
        exec(compile(self.source, f"<rulebook {program.id} segment {segment}>", "exec"), space)
        self.space = space
        self.category = space["category"]
        self.outcome = [space[f"outcome_{k}"] for k in range(len(program.categories))]
        self.decide = [space[f"decide_{k}"] for k in range(len(program.categories))]
        self.standard_date: Callable[[list[Any]], int] = space["standard_date"]
        self.checks: Callable[[list[Any]], list[int]] = space["checks"]
        self.doubts: Callable[[list[Any]], list[int]] = space["doubts"]

    def slots_for(self, facts: list[Any]) -> list[Any]:
        """Fresh slots: the facts (slot order) followed by empty places for quantities and their nodes."""
        return facts + [None] * (2 * self.slots - len(facts))


class _Emitter:
    def __init__(self, program: Program, metas: Metas, slots: int) -> None:
        self.program, self.metas, self.slots = program, metas, slots
        self.space: dict[str, Any] = {"month_of": month_of, "year_of": year_of, "NOTHING": NOTHING}
        self.lines: list[str] = []

    # --- values ---

    def aligned(self, expr: Expr, scale: int) -> str:
        code = self.code(expr)
        factor = scale // expr.scale
        return code if factor == 1 else f"{code} * {factor}"

    def solid(self, expr: Expr, scale: int | None = None) -> str:
        """Code that raises for an unknown value even where nothing is computed with it."""
        code = self.aligned(expr, scale or expr.scale)
        if isinstance(expr, Ref) and expr.type.kind in ("number", "date") and code.startswith("v["):
            return f"({code} + 0)"
        return code

    def code(self, expr: Expr) -> str:
        if isinstance(expr, Const):
            return (
                str(bool(expr.value))
                if expr.type.kind == "boolean"
                else f"({expr.value})"
                if expr.value < 0
                else str(expr.value)
            )
        if isinstance(expr, Ref):
            return self.ref(expr)
        if isinstance(expr, ex.Arith):
            if expr.op == "*":
                return f"({self.code(expr.left)} * {self.code(expr.right)})"
            return f"({self.aligned(expr.left, expr.scale)} {expr.op} {self.aligned(expr.right, expr.scale)})"
        if isinstance(expr, ex.Compare):
            known = self.by_date(expr)
            if known is not None:
                return str(known)
            scale = lcm(expr.left.scale, expr.right.scale)
            left, right = self.aligned(expr.left, scale), self.aligned(expr.right, scale)
            if expr.op in ("=", "<>"):
                return f"({left} - {right} {'==' if expr.op == '=' else '!='} 0)"
            return f"({left} {expr.op} {right})"
        if isinstance(expr, ex.Member):
            return f"({sum(1 << i for i in expr.among)} >> {self.code(expr.item)} & 1 == 1)"
        if isinstance(expr, ex.All):
            return "(" + " and ".join(self.code(i) for i in expr.items) + ")"
        if isinstance(expr, ex.AnyOf):
            return "(" + " or ".join(self.code(i) for i in expr.items) + ")"
        if isinstance(expr, ex.Not):
            return f"(not {self.code(expr.item)})"
        if isinstance(expr, ex.Choose):
            condition = self.code(expr.condition)
            if condition in ("True", "False"):
                return self.solid(expr.then if condition == "True" else expr.other, expr.scale)
            return f"({self.solid(expr.then, expr.scale)} if {condition} else {self.solid(expr.other, expr.scale)})"
        if isinstance(expr, ex.Extreme):
            name = "min" if expr.which == "least" else "max"
            return f"{name}({', '.join(self.aligned(i, expr.scale) for i in expr.items)})"
        if isinstance(expr, ex.Rounded):
            return _round_code(expr.mode, self.code(expr.item), expr.item.scale * expr.to, expr.to)
        if isinstance(expr, ex.Divided):
            above = f"{self.code(expr.left)} * {expr.right.scale}"
            below = f"{self.code(expr.right)} * {expr.left.scale * expr.to}"
            return _divide_code(expr.mode, above, below, expr.to)
        if isinstance(expr, ex.DaysBetween):
            return f"({self.code(expr.end)} - {self.code(expr.start)})"
        if isinstance(expr, ex.DatePart):
            return f"{expr.part}_of({self.code(expr.item)})"
        if isinstance(expr, ex.Pick):
            row = self.code(expr.row)
            options = [self.solid(o, expr.scale) for o in expr.options]
            if all(isinstance(o, Const) for o in expr.options):
                return f"({', '.join(options)},)[{row}]"
            text = options[-1]
            for index in range(len(options) - 2, -1, -1):
                text = f"({options[index]} if {row} == {index} else {text})"
            return text
        raise TypeError(type(expr))

    def by_date(self, expr: ex.Compare) -> bool | None:
        """A comparison of the date that counts with the day of a change is settled by the segment."""
        if expr.left is not self.program.standard_date or not isinstance(expr.right, Const):
            return None
        day, bound = self.metas.day, expr.right.value
        return {">=": day >= bound, "<": day < bound, ">": day > bound, "<=": day <= bound}.get(expr.op)

    def ref(self, expr: Ref) -> str:
        if expr.source == "fact":
            slot = self.program.facts[expr.name].slot
            return f"(v[{slot}] > 0)" if expr.type.kind == "boolean" else f"v[{slot}]"
        if expr.source == "parameter":
            value = self.metas.value[expr.name]
            return (
                f"v[{self.program.parameters[expr.name].slot}]"
                if value is None
                else str(value)
                if value >= 0
                else f"({value})"
            )
        quantity = self.program.quantities[expr.name]
        if quantity.expr is None:
            return f"(v[{quantity.slot}] > 0)" if quantity.type.kind == "boolean" else f"v[{quantity.slot}]"
        return f"q{quantity.slot}(v)"

    # --- the module ---

    def module(self) -> str:
        for quantity in self.program.quantities.values():
            if quantity.expr is not None:
                self.value_function(quantity)
                self.trace_function(quantity)
        self.category_function()
        for index, category in enumerate(self.program.categories):
            self.outcome_function(index, category)
            self.decide_function(index, category)
        self.lines += ["def standard_date(v):", f"    return {self.solid(self.program.standard_date)}", ""]
        for name, rules in (("checks", self.program.constraints), ("doubts", self.program.doubts)):
            self.lines += [f"def {name}(v):", "    broken = []"]
            for index, rule in enumerate(rules):
                self.lines += [
                    "    try:",
                    f"        if not {self.code(rule.that)}: broken.append({index})",
                    "    except TypeError:",
                    "        pass",
                ]
            self.lines += ["    return broken", ""]
        return "\n".join(self.lines)

    def value_function(self, quantity: QuantityDef) -> None:
        assert quantity.expr is not None
        slot = quantity.slot
        self.lines += [
            f"def q{slot}(v):  # {quantity.name}",
            f"    r = v[{slot}]",
            "    if r is None:",
            f"        r = v[{slot}] = {self.solid(quantity.expr)}",
            "    return r",
            "",
        ]

    def trace_function(self, quantity: QuantityDef) -> None:
        slot, node = quantity.slot, self.slots + quantity.slot
        self.space[f"M{slot}"] = self.metas.quantity[quantity.name]
        self.lines += [
            f"def x{slot}(v):",
            f"    n = v[{node}]",
            "    if n is None:",
            "        c = []",
            f"        n = v[{node}] = (M{slot}, q{slot}(v), c)",
        ]
        body: list[str] = []
        assert quantity.expr is not None
        if quantity.role == "row":
            self.space[f"R{slot}"] = self.metas.rows[quantity.name]
            body.append(f"c.append((R{slot}[q{slot}(v)], True, NOTHING))")
        if quantity.role in ("bands", "points"):
            for ref in quantity.expr.refs():
                part = self.program.quantities[ref.name].slot
                body.append(f"if q{part}(v): c.append(x{part}(v))")
        else:
            body += self.explain(quantity.expr)
        if quantity.role == "row":
            body.append("u = {id(k[0]) if k[2] is not NOTHING or k[0].kind != 'row' else k[0]: k for k in c}")
            body.append("c[:] = u.values()")
        self.lines += ["        " + line for line in body or ["pass"]]
        self.lines += ["    return n", ""]

    def explain(self, expr: Expr) -> list[str]:
        """Statements that append to ``c`` the nodes which presently decide ``expr``."""
        if isinstance(expr, Const):
            return []
        if isinstance(expr, Ref):
            return [f"c.append({self.node(expr)})"]
        if isinstance(expr, (ex.All, ex.AnyOf)):
            wanted = isinstance(expr, ex.All)
            lines = [f"if {'' if wanted else 'not '}{self.code(expr)}:"]
            whole = [line for item in expr.items for line in self.explain(item)] or ["pass"]
            lines += ["    " + line for line in whole]
            for index, item in enumerate(expr.items):
                last = index == len(expr.items) - 1
                test = f"{'not ' if wanted else ''}{self.code(item)}"
                lines.append("else:" if last else f"elif {test}:")
                lines += ["    " + line for line in self.explain(item) or ["pass"]]
            return lines
        if isinstance(expr, ex.Compare) and self.by_date(expr) is not None:
            return []
        if isinstance(expr, ex.Choose):
            condition = self.code(expr.condition)
            if condition in ("True", "False"):
                return self.explain(expr.then if condition == "True" else expr.other)
            lines = self.explain(expr.condition)
            then, other = self.explain(expr.then), self.explain(expr.other)
            if then or other:
                lines.append(f"if {condition}:")
                lines += ["    " + line for line in then or ["pass"]]
                if other:
                    lines.append("else:")
                    lines += ["    " + line for line in other]
            return lines
        if isinstance(expr, ex.Extreme):
            first, *limits = expr.items
            lines = self.explain(first)
            op = "<=" if expr.which == "least" else ">="
            for limit in limits:
                extra = self.explain(limit)
                if extra:
                    test = f"{self.aligned(first, expr.scale)} {op} {self.aligned(limit, expr.scale)}"
                    bites = f"{self.aligned(limit, expr.scale)} == {self.code(expr)}" if len(limits) > 1 else "True"
                    lines.append(f"if not {test} and {bites}:" if bites != "True" else f"if not {test}:")
                    lines += ["    " + line for line in extra]
            return lines
        if isinstance(expr, ex.Pick):
            lines = self.explain(expr.row)
            for index, option in enumerate(expr.options):
                chosen = self.explain(option)
                if chosen:
                    lines.append(f"if {self.code(expr.row)} == {index}:")
                    lines += ["    " + line for line in chosen]
            return lines
        return [line for part in expr.parts for line in self.explain(part)]

    def node(self, ref: Ref) -> str:
        if ref.source == "fact":
            slot = self.program.facts[ref.name].slot
            self.space[f"F{slot}"] = self.metas.fact[ref.name]
            return f"(F{slot}, v[{slot}], NOTHING)"
        if ref.source == "parameter":
            slot = self.program.parameters[ref.name].slot
            value = self.metas.value[ref.name]
            self.space[f"P{slot}"] = (self.metas.parameter[ref.name], value, NOTHING)
            if value is None:
                self.space[f"G{slot}"] = self.metas.parameter[ref.name]
                return f"(G{slot}, v[{slot}], NOTHING)"
            return f"P{slot}"
        quantity = self.program.quantities[ref.name]
        if quantity.expr is None:
            self.space[f"G{quantity.slot}"] = self.metas.quantity[ref.name]
            return f"(G{quantity.slot}, v[{quantity.slot}], NOTHING)"
        return f"x{quantity.slot}(v)"

    def category_function(self) -> None:
        categories = self.program.categories
        self.lines.append("def category(v):")
        if self.program.choose == "best":
            self.lines.append("    best, found = -2, -1")
            for index, category in enumerate(categories):
                award = self.code(category.award_most) if category.award_most is not None else "0"
                self.lines += [
                    f"    if {self.code(category.applies)}:",
                    f"        w = max({award}, 0) if {self.code(category.condition)} else -1",
                    f"        if w > best: best, found = w, {index}",
                ]
            self.lines += ["    return found", ""]
            return
        for index, category in enumerate(categories):
            self.lines.append(f"    if {self.code(category.applies)}: return {index}")
        self.lines += ["    return -1", ""]

    def grounds(self, category: CategoryDef) -> list[tuple[int, Expr, bool]]:
        """(index, expression, about the award) of each ground that can refuse this category."""
        return [
            (i, g.when[category.key], g.about == "award")
            for i, g in enumerate(self.program.grounds)
            if category.key in g.when
        ]

    def authority_code(self, category: CategoryDef) -> tuple[str, str]:
        names = list(AUTHORITIES)
        authority = self.program.authorities.get(category.track)
        if authority is None:
            return "None", "None"
        code = str(names.index(authority.rows[-1].who))
        for row in reversed(authority.rows[:-1]):
            tests = []
            if row.when is not None:
                tests.append(self.code(row.when))
            if row.limit is not None and category.award_most is not None:
                scale = lcm(row.limit.scale, category.award_most.scale)
                tests.append(f"{self.aligned(category.award_most, scale)} <= {self.aligned(row.limit, scale)}")
            code = f"({names.index(row.who)} if {' and '.join(tests) or 'True'} else {code})"
        return code, str(names.index(authority.refusal))

    def outcome_function(self, index: int, category: CategoryDef) -> None:
        granted, refusal = self.authority_code(category)
        application = [self.code(e) for _, e, award in self.grounds(category) if not award]
        about_award = [self.code(e) for _, e, award in self.grounds(category) if award]
        tests = [*application, f"not {self.code(category.condition)}", *about_award]
        least = self.solid(category.award_least) if category.award_least is not None else "None"
        most = self.solid(category.award_most) if category.award_most is not None else "None"
        tier = self.solid(category.tier) if category.tier is not None else "None"
        self.lines += [
            f"def outcome_{index}(v):",
            f"    if {' or '.join(tests)}:",
            f"        return (True, None, None, None, {refusal})",
            f"    return (False, {least}, {most}, {tier}, {granted})",
            "",
        ]

    def decide_function(self, index: int, category: CategoryDef) -> None:
        """(reasons, least, most, tier, authority, panel, trace): reasons are ground indices, -1 the category's own."""
        granted, refusal = self.authority_code(category)
        lines = [f"def decide_{index}(v):", "    r = []"]
        about_award: list[tuple[int, Expr]] = []
        for number, expr, award in self.grounds(category):
            if award:
                about_award.append((number, expr))
            else:
                lines.append(f"    if {self.code(expr)}: r.append({number})")
        condition = self.code(category.condition)
        lines.append(f"    if not {condition}: r.append(-1)")
        for number, expr in about_award:
            lines.append(
                f"    elif {self.code(expr)}: r.append({number})"
                if len(about_award) == 1
                else f"    if {condition} and {self.code(expr)}: r.append({number})"
            )
        panel = self.program.panel
        panel_code = "False"
        if panel is not None:
            barred = [i for i, g in enumerate(self.program.grounds) if g.clause in panel.unless_refused_under]
            test = self.code(panel.when)
            panel_code = f"({test} and not any(g in {tuple(barred)!r} for g in r))" if barred else test
        lines.append(f"    p = {panel_code}")
        authority = self.program.authorities.get(category.track)
        if authority is not None:
            self.space[f"A{index}"] = self.metas.authority[category.track]
        lines += ["    t = []", "    c = t", "    if r:", "        for g in r:"]
        choices: list[str] = []
        for number, expr, _ in self.grounds(category):
            choices += [f"            if g == {number}:"] + [
                "                " + x for x in self.explain(expr) or ["pass"]
            ]
        choices += ["            if g == -1:"] + [
            "                " + x for x in self.explain(category.condition) or ["pass"]
        ]
        lines += choices
        if authority is not None:
            lines.append(f"        t.append((A{index}, {refusal}, NOTHING))")
        lines.append(f"        return r, None, None, None, {refusal}, p, t")
        least = self.solid(category.award_least) if category.award_least is not None else "None"
        most = self.solid(category.award_most) if category.award_most is not None else "None"
        tier = self.solid(category.tier) if category.tier is not None else "None"
        if category.award_most is not None:
            if category.discretion and category.award_least is not None:
                lines += ["    " + x for x in self.explain(category.award_least)]
            lines += ["    " + x for x in self.explain(category.award_most)]
        if category.tier is not None:
            lines += ["    " + x for x in self.explain(category.tier)]
        lines += ["    " + x for x in self.explain(category.condition)]
        for _, expr, _ in self.grounds(category):
            lines += ["    " + x for x in self.explain(expr)]
        lines.append(f"    a = {granted}")
        if authority is not None:
            lines.append("    c = []")
            for number, row in enumerate(authority.rows[:-1]):
                limit = self.explain(row.limit) if row.limit is not None else []
                names = list(AUTHORITIES)
                if limit:
                    lines.append(f"    if a == {names.index(row.who)} or {number} == {len(authority.rows) - 2}:")
                    lines += ["        " + x for x in limit]
            lines.append(f"    t.append((A{index}, a, c))")
        lines += [f"    return r, {least}, {most}, {tier}, a, p, t", ""]
        self.lines += lines


def _round_code(mode: str, item: str, divisor: int, to: int) -> str:
    times = f" * {to}" if to != 1 else ""
    if mode == "half_up":
        return f"(({item} * 2 + {divisor}) // {2 * divisor}{times})"
    if mode == "down":
        return f"({item} // {divisor}{times})"
    return f"(-(-{item} // {divisor}){times})"


def _divide_code(mode: str, above: str, below: str, to: int) -> str:
    times = f" * {to}" if to != 1 else ""
    if mode == "half_up":
        return f"((2 * ({above}) + {below}) // (2 * ({below})){times})"
    if mode == "down":
        return f"(({above}) // ({below}){times})"
    return f"(-(-({above}) // ({below})){times})"
