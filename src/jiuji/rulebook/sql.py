"""The same rulebook for many households: SQL for DuckDB, Spark and PostgreSQL.

Facts are the columns of a table; the decision's outputs are columns of the result. NULL means *not yet known* and
SQL's three-valued logic carries it: what is not certain comes out as ``undetermined``, never as a guess. Where SQL is
not three-valued by itself (``CASE``, ``least``) the unknown is written out, but only for columns that may hold one.

Engines disagree on integer division of negatives, so division is written for each dialect and, where the dividend
may be negative, as floor division in plain arithmetic.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import lcm

from . import expression as ex
from .expression import Const, Expr, Ref
from .program import CategoryDef, FactDef, Program, clause_key, split_citation
from .ranges import Reasoner
from .scalar import Segment

#: The output columns, in order, after the input's own.
COLUMNS = (
    "result",
    "category",
    "track",
    "tier",
    "amount",
    "range_least",
    "range_most",
    "authority",
    "special_panel",
    "reasons",
    "missing",
    "error",
)


@dataclass(frozen=True)
class Dialect:
    """What the three engines write differently."""

    name: str

    def quote(self, name: str) -> str:
        mark = "`" if self.name == "spark" else '"'
        return f"{mark}{name}{mark}"

    def div(self, above: str, below: str) -> str:
        op = {"duckdb": "//", "spark": "div", "postgres": "/"}[self.name]
        return f"({above} {op} {below})"

    def days(self, start: str, end: str) -> str:
        if self.name == "spark":
            return f"datediff({end}, {start})"
        return f"({end} - {start})" if self.name == "postgres" else f"date_diff('day', {start}, {end})"

    def part(self, part: str, day: str) -> str:
        return f"CAST(extract({part} FROM {day}) AS BIGINT)"

    def strings(self, items: Iterable[str]) -> str:
        """A list of those strings that are not NULL."""
        joined = ", ".join(items)
        if self.name == "duckdb":
            return f"list_filter([{joined}], lambda x: x IS NOT NULL)" if joined else "CAST([] AS VARCHAR[])"
        if self.name == "spark":
            return f"filter(array({joined}), x -> x IS NOT NULL)" if joined else "CAST(array() AS ARRAY<STRING>)"
        return f"array_remove(ARRAY[{joined}]::text[], NULL)" if joined else "ARRAY[]::text[]"

    def money(self, fen: str) -> str:
        """Fen as a decimal amount in yuan."""
        if self.name == "postgres":
            return f"CAST(({fen}) / 100.0 AS NUMERIC(18, 2))"
        product = f"CAST({fen} AS DECIMAL(15, 0)) * CAST(0.01 AS DECIMAL(3, 2))"
        return f"CAST({product} AS DECIMAL(18, 2))" if self.name == "spark" else f"({product})"

    def fen(self, column: str) -> str:
        """Yuan in a column of any number type as whole fen (exact up to 10^13)."""
        if self.name == "postgres":
            return f"CAST(round(CAST({column} AS NUMERIC) * 100) AS BIGINT)"
        return f"CAST(round(CAST({column} AS DOUBLE) * 100) AS BIGINT)"

    def materialised(self) -> str:
        return "MATERIALIZED " if self.name == "postgres" else ""


DIALECTS = {name: Dialect(name) for name in ("duckdb", "spark", "postgres")}


def compile_sql(
    program: Program,
    dialect: str = "duckdb",
    table: str = "households",
    *,
    columns: Collection[str] | None = None,
    complete: Collection[str] = (),
    on: dt.date | None = None,
    keep: bool = True,
    carry: Collection[str] = (),
) -> str:
    """A SELECT that decides every row of ``table``.

    ``columns``: the facts that the table has (default: all); others take their default or are unknown.
    ``complete``: those known to hold no NULL, for which no code about the unknown is written.
    ``on``: the date of application where the table has none. ``keep``: with the facts in front (on DuckDB: with all
    of the table's columns). ``carry``: other columns to carry along in front, an identifier for instance.
    """
    maker = _Sql(program, DIALECTS[dialect], set(program.facts if columns is None else columns), set(complete), on)
    maker.carry = list(carry)
    return maker.select(table, keep)


def whole(value: int) -> str:
    """A whole number as a 64-bit literal: engines take a short literal for 32 bits and overflow."""
    return f"CAST({value} AS BIGINT)"


class _Sql:
    def __init__(self, program: Program, dialect: Dialect, columns: set[str], complete: set[str], on: dt.date | None):
        self.program, self.dialect = program, dialect
        self.columns, self.complete, self.on = columns, complete, on
        self.inexact: set[str] = set()  # money columns that may hold more than two decimals
        self.carry: list[str] = []  # columns beside the facts that the result has too
        self.stream = False  # for a file larger than memory: nothing is held as a whole
        self.inline = False  # quantities written out where they are used, before they have columns
        self.levels: list[list[tuple[str, str]]] = []
        self.level_of: dict[str, int] = {}
        self._nullable: dict[int, bool] = {}
        self._keep: list[Expr] = []
        self.reasoners = [Reasoner(program, Segment(program, i)) for i in range(len(program.changes))]
        self.dated = {
            p.name: [p.at(d).value if p.at(d) else None for d in program.changes]  # type: ignore[union-attr]
            for p in program.parameters.values()
        }

    # --- what may be unknown, what may be negative ---

    def fact_nullable(self, fact: FactDef) -> bool:
        if fact.name == "applied_on":
            return False
        if fact.name in self.columns:
            return fact.name not in self.complete
        return fact.default is None

    def nullable(self, expr: Expr) -> bool:
        found = self._nullable.get(id(expr))
        if found is None:
            found = self._nullable[id(expr)] = self._compute_nullable(expr)
            self._keep.append(expr)
        return found

    def _compute_nullable(self, expr: Expr) -> bool:
        if isinstance(expr, Ref):
            if expr.source == "fact":
                return self.fact_nullable(self.program.facts[expr.name])
            if expr.source == "parameter":
                values = self.dated[expr.name]
                varies = len(set(values)) > 1
                return None in values or (varies and self.nullable(self.program.standard_date))
            quantity = self.program.quantities[expr.name]
            return quantity.expr is None or self.nullable(quantity.expr)
        return any(self.nullable(p) for p in expr.parts)

    def negative(self, expr: Expr) -> bool:
        for reasoner in self.reasoners:
            box, _ = reasoner.box([None] * len(self.program.facts))
            if reasoner.compile(expr)(box, {})[0] < 0:
                return True
        return False

    # --- expressions ---

    def aligned(self, expr: Expr, scale: int) -> str:
        code = self.code(expr)
        factor = scale // expr.scale
        return code if factor == 1 else f"({code} * {factor})"

    def code(self, expr: Expr) -> str:
        if isinstance(expr, Const):
            return self.const(expr)
        if isinstance(expr, Ref):
            return self.ref(expr)
        if isinstance(expr, ex.Arith):
            if expr.op == "*":
                return f"({self.code(expr.left)} * {self.code(expr.right)})"
            return f"({self.aligned(expr.left, expr.scale)} {expr.op} {self.aligned(expr.right, expr.scale)})"
        if isinstance(expr, ex.Compare):
            if expr.left is self.program.standard_date and not self.inline:
                return f"(standard_date {expr.op} {self.code(expr.right)})"
            scale = lcm(expr.left.scale, expr.right.scale)
            return f"({self.aligned(expr.left, scale)} {expr.op} {self.aligned(expr.right, scale)})"
        if isinstance(expr, ex.Member):
            names = ", ".join(f"'{expr.item.type.values[i]}'" for i in sorted(expr.among))
            return f"({self.code(expr.item)} IN ({names}))" if names else "FALSE"
        if isinstance(expr, (ex.All, ex.AnyOf)):
            word = " AND " if isinstance(expr, ex.All) else " OR "
            return "(" + word.join(self.code(i) for i in expr.items) + ")"
        if isinstance(expr, ex.Not):
            return f"(NOT {self.code(expr.item)})"
        if isinstance(expr, ex.Choose):
            return self.choose(expr)
        if isinstance(expr, ex.Extreme):
            items = [self.aligned(i, expr.scale) for i in expr.items]
            inner = f"{expr.which}({', '.join(items)})"
            unknown = [f"{code} IS NULL" for code, i in zip(items, expr.items, strict=True) if self.nullable(i)]
            return f"(CASE WHEN {' OR '.join(unknown)} THEN NULL ELSE {inner} END)" if unknown else inner
        if isinstance(expr, ex.Rounded):
            return self.divided(
                expr.mode, self.code(expr.item), str(expr.item.scale * expr.to), expr.to, self.negative(expr.item)
            )
        if isinstance(expr, ex.Divided):
            above = f"({self.code(expr.left)} * {expr.right.scale})"
            below = f"({self.code(expr.right)} * {expr.left.scale * expr.to})"
            return self.divided(expr.mode, above, below, expr.to, self.negative(expr.left))
        if isinstance(expr, ex.DaysBetween):
            return self.dialect.days(self.code(expr.start), self.code(expr.end))
        if isinstance(expr, ex.DatePart):
            return self.dialect.part(expr.part, self.code(expr.item))
        if isinstance(expr, ex.Pick):
            row = self.code(expr.row)
            cases = " ".join(f"WHEN {i} THEN {self.aligned(o, expr.scale)}" for i, o in enumerate(expr.options))
            return f"(CASE {row} {cases} END)"
        raise TypeError(type(expr))

    def const(self, expr: Const) -> str:
        if expr.type.kind == "boolean":
            return "TRUE" if expr.value else "FALSE"
        if expr.type.kind == "date":
            return f"DATE '{dt.date.fromordinal(expr.value).isoformat()}'"
        return whole(expr.value)

    def choose(self, expr: ex.Choose) -> str:
        """A chain of CASE, with the unknown written out where a condition may be unknown."""
        parts: list[str] = []
        node: Expr = expr
        while isinstance(node, ex.Choose):
            condition = self.code(node.condition)
            if self.nullable(node.condition):
                parts.append(f"WHEN ({condition}) IS NULL THEN NULL")
            parts.append(f"WHEN {condition} THEN {self.aligned(node.then, expr.scale)}")
            node = node.other
        return f"(CASE {' '.join(parts)} ELSE {self.aligned(node, expr.scale)} END)"

    def divided(self, mode: str, above: str, below: str, to: int, negative: bool) -> str:
        if mode == "half_up":
            above, below = f"(2 * {above} + {below})", f"(2 * {below})"
        elif mode == "up":
            above = f"({above} + {below} - 1)"
        if negative:
            above = f"({above} - (({above} % {below}) + {below}) % {below})"
        code = self.dialect.div(above, below)
        return f"({code} * {to})" if to != 1 else code

    def ref(self, expr: Ref) -> str:
        if expr.source == "fact":
            return f"f_{expr.name}"
        if expr.source == "parameter":
            values = self.dated[expr.name]
            if len(set(values)) == 1:
                return "CAST(NULL AS BIGINT)" if values[0] is None else whole(values[0])
            return f"p_{expr.name}"
        quantity = self.program.quantities[expr.name]
        if quantity.expr is None:
            return "CAST(NULL AS BOOLEAN)" if quantity.type.kind == "boolean" else "CAST(NULL AS BIGINT)"
        if self.inline or isinstance(quantity.expr, (Ref, Const)):
            return self.code(quantity.expr)
        self.place(expr.name)
        return f"q{quantity.slot}"

    def place(self, name: str) -> int:
        """Give a quantity a column in the first level where all that it needs stands below."""
        if name in self.level_of:
            return self.level_of[name]
        quantity = self.program.quantities[name]
        assert quantity.expr is not None
        level = 0
        for ref in quantity.expr.refs():
            level = max(level, self._level(ref))
        code = self.code(quantity.expr)
        self.level_of[name] = level
        while len(self.levels) <= level:
            self.levels.append([])
        self.levels[level].append((f"q{quantity.slot}", code))
        return level

    def _level(self, ref: Ref) -> int:
        if ref.source != "quantity":
            return 0
        inner = self.program.quantities[ref.name].expr
        if inner is None or isinstance(inner, Const):
            return 0
        if isinstance(inner, Ref):
            return self._level(inner)
        return self.place(ref.name) + 1

    # --- the statement ---

    def select(self, table: str, keep: bool) -> str:
        outputs = self.outputs()
        d = self.dialect
        whole_row = keep and d.name == "duckdb"
        carried = [d.quote(c) for c in self.carry if c not in self.columns]
        kept = [] if whole_row else carried
        if keep and not whole_row:
            kept = kept + [d.quote(c) for c in self.program.facts if c in self.columns]
        source = ", ".join([*(["t.*"] if whole_row else [f"t.{c}" for c in kept]), *self.fact_columns()])
        ctes = [f"facts AS {d.materialised()}(SELECT {source} FROM {table} AS t)"]
        dated = self.parameter_columns()
        ctes.append(f"dated AS (SELECT *, {', '.join(dated)} FROM facts)")
        previous = "dated"
        for number, columns in enumerate(self.levels):
            if not columns:
                continue
            name = f"level_{number}"
            body = ", ".join(f"{code} AS {column}" for column, code in columns)
            ctes.append(f"{name} AS {d.materialised()}(SELECT *, {body} FROM {previous})")
            previous = name
        stages = outputs[:-1]
        for number, stage in enumerate(stages):
            name = f"stage_{number}"
            body = ", ".join(f"{code} AS {column}" for column, code in stage)
            ctes.append(f"{name} AS {d.materialised()}(SELECT *, {body} FROM {previous})")
            previous = name
        final = ", ".join(f"{code} AS {d.quote(column)}" for column, code in outputs[-1])
        own = ", ".join(kept)
        if whole_row:
            made = [c for c, _ in self.hidden(stages, dated)]
            own = f"* EXCLUDE ({', '.join(made)})"
        head = f"{own}, {final}" if own else final
        last = f"SELECT {head}\nFROM {previous}"
        if d.name == "duckdb" and not self.stream:
            # Without this fence a query that sums over the decision makes the optimizer write every quantity out at
            # each of its uses: the same answer, many times slower (benchmarks/results.md).
            ctes.append(f"decided AS MATERIALIZED ({last})")
            last = "SELECT *\nFROM decided"
        return "WITH " + ",\n".join(ctes) + f"\n{last}"

    def hidden(self, stages: list[list[tuple[str, str]]], dated: list[str]) -> list[tuple[str, str]]:
        names = [(f"f_{n}", "") for n in self.program.facts] + [("x_error", "")]
        names += [(c.rsplit(" AS ", 1)[1], "") for c in dated]
        names += [c for level in self.levels for c in level]
        return names + [c for stage in stages for c in stage]

    def fact_columns(self) -> list[str]:
        d = self.dialect
        columns, bad = [], []
        for fact in self.program.facts.values():
            raw = f"t.{d.quote(fact.name)}"
            if fact.name not in self.columns:
                code = self._absent(fact)
            elif fact.kind == "money":
                code = d.fen(raw)
            elif fact.kind == "integer":
                code = f"CAST({raw} AS BIGINT)"
            elif fact.kind == "ratio":
                code = f"CAST(round({raw} * {fact.type.scale}) AS BIGINT)"
            elif fact.kind == "enum":
                code = raw
            elif fact.kind == "date":
                code = f"CAST({raw} AS DATE)"
                if fact.name == "applied_on":
                    code = f"coalesce({code}, {self._today()})"
            else:
                code = raw
            columns.append(f"{code} AS f_{fact.name}")
            if fact.name in self.columns:
                test = self._bad(fact, raw, code)
                if test:
                    bad.append(f"WHEN {test} THEN '{fact.name}'")
        self.errors = f"(CASE {' '.join(bad)} END)" if bad else "CAST(NULL AS VARCHAR(100))"
        return [*columns, f"{self.errors} AS x_error"]

    def _today(self) -> str:
        return f"DATE '{(self.on or dt.date.today()).isoformat()}'"

    def _absent(self, fact: FactDef) -> str:
        if fact.name == "applied_on":
            return self._today()
        if fact.default is not None:
            if fact.kind == "enum":
                return f"'{fact.type.values[fact.default]}'"
            if fact.kind == "boolean":
                return "TRUE" if fact.default else "FALSE"
            return f"CAST({fact.default} AS BIGINT)"
        names = {"boolean": "BOOLEAN", "enum": "VARCHAR(100)", "date": "DATE"}
        return f"CAST(NULL AS {names.get(fact.kind, 'BIGINT')})"

    def _bad(self, fact: FactDef, raw: str, code: str) -> str:
        if fact.kind == "enum":
            names = ", ".join(f"'{v}'" for v in fact.type.values)
            return f"{raw} NOT IN ({names})"
        if fact.kind in ("integer", "money", "ratio"):
            test = f"{code} NOT BETWEEN {fact.low} AND {fact.high}"
            if fact.kind == "money":
                exact = f"abs({raw} * 100 - {code}) > 0.001"
                return f"{test} OR {exact}" if self.exact_money_check(fact) else test
            return test
        return ""

    def exact_money_check(self, fact: FactDef) -> bool:
        """Whether a column may hold more than two decimals (set by the caller for floating-point columns)."""
        return fact.name in self.inexact

    def parameter_columns(self) -> list[str]:
        program = self.program
        self.inline = True
        day = self.code(program.standard_date)
        self.inline = False
        columns = [f"{day} AS standard_date"]
        for name, values in self.dated.items():
            if len(set(values)) == 1:
                continue
            cases = [
                f"WHEN {day} >= DATE '{dt.date.fromordinal(since).isoformat()}' THEN {'CAST(NULL AS BIGINT)' if v is None else whole(v)}"
                for since, v in reversed(list(zip(program.changes, values, strict=True)))
            ]
            columns.append(f"(CASE {' '.join(cases)} END) AS p_{name}")
        return columns

    def outputs(self) -> list[list[tuple[str, str]]]:
        """The stages of the decision, each a list of (column, code) that may use the stages before."""
        program, categories = self.program, self.program.categories
        per = [self.category_parts(c) for c in categories]
        chosen = self.chosen()
        day = "standard_date"
        broken = [f"WHEN NOT {self.code(r.that)} THEN '{next(r.that.refs()).name}'" for r in program.constraints]
        early = f"WHEN {day} < DATE '{dt.date.fromordinal(program.since).isoformat()}' THEN 'applied_on'"
        late = f"WHEN {day} >= DATE '{dt.date.fromordinal(program.until).isoformat()}' THEN 'applied_on'"
        invalid = f"(CASE WHEN x_error IS NOT NULL THEN x_error {' '.join([*broken, early, late])} END)"
        first = [("k", chosen), ("x_invalid", invalid)]
        k_null = any(self.nullable(c.applies) for c in categories) or program.choose == "best"

        def by_category(key: str, otherwise: str = "NULL") -> str:
            cases = " ".join(f"WHEN {i} THEN {p[key]}" for i, p in enumerate(per))
            return f"(CASE k {cases} ELSE {otherwise} END)"

        refusals = " ".join(f"WHEN {i} THEN {p['refused']}" for i, p in enumerate(per))
        refused = f"(CASE k {refusals} WHEN -1 THEN TRUE END)"
        second = [
            ("refused", refused),
            ("met", by_category("condition", "TRUE")),
            ("x_tier", by_category("tier", "CAST(NULL AS BIGINT)")),
            ("x_least", by_category("least", "CAST(NULL AS BIGINT)")),
            ("x_most", by_category("most", "CAST(NULL AS BIGINT)")),
            ("x_granted_by", by_category("granted_by")),
            ("x_refused_by", by_category("refused_by")),
        ]
        needs = " ".join(f"WHEN {i} THEN {p['known']}" for i, p in enumerate(per))
        known = f"(CASE k {needs} ELSE TRUE END)"
        third = [
            (
                "x_result",
                "(CASE WHEN x_invalid IS NOT NULL THEN 'invalid' WHEN refused THEN 'refused' "
                f"WHEN NOT refused AND {known} THEN 'granted' ELSE 'undetermined' END)",
            )
        ]
        d = self.dialect
        main = program.effective.books[0].document

        def bare(clause: str) -> str:
            document, own = split_citation(clause, main)
            return own if document == main else f"{document} §{own}" if own else document

        clause_of = " ".join(f"WHEN {i} THEN '{bare(c.clause)}'" for i, c in enumerate(categories))
        none = f"WHEN -1 THEN '{program.no_category}' " if program.no_category else ""
        track_of = " ".join(f"WHEN {i} THEN '{c.track}'" for i, c in enumerate(categories))
        granted = "x_result = 'granted'"
        valid = "x_result <> 'invalid'"
        authority = (
            "(CASE x_result WHEN 'granted' THEN x_granted_by WHEN 'refused' THEN x_refused_by "
            "WHEN 'undetermined' THEN CASE WHEN x_granted_by = x_refused_by THEN x_granted_by END END)"
        )
        final = [
            ("result", "x_result"),
            ("category", f"(CASE WHEN {valid} THEN CASE k {clause_of} {none}END END)"),
            ("track", f"(CASE WHEN {valid} THEN CASE k {track_of} END END)"),
            ("tier", f"CAST(CASE WHEN {granted} THEN x_tier END AS INTEGER)"),
            ("amount", d.money(f"(CASE WHEN {granted} AND x_least = x_most THEN x_most END)")),
            ("range_least", d.money(f"(CASE WHEN {granted} AND x_least <> x_most THEN x_least END)")),
            ("range_most", d.money(f"(CASE WHEN {granted} AND x_least <> x_most THEN x_most END)")),
            ("authority", authority),
            ("special_panel", f"(CASE WHEN {valid} THEN {self.panel(per)} END)"),
            ("reasons", self.reasons(bare)),
            ("missing", self.missing(per, k_null)),
            ("error", "x_invalid"),
        ]
        return [first, second, third, final]

    def chosen(self) -> str:
        categories = self.program.categories
        if self.program.choose != "best":
            parts = []
            for index, category in enumerate(categories):
                code = self.code(category.applies)
                if self.nullable(category.applies):
                    parts.append(f"WHEN ({code}) IS NULL THEN NULL")
                parts.append(f"WHEN {code} THEN {index}")
            return f"(CASE {' '.join(parts)} ELSE -1 END)"
        worth = []
        for category in categories:
            award = self.code(category.award_most) if category.award_most is not None else "0"
            positive = f"(CASE WHEN {award} < 0 THEN 0 ELSE {award} END)"
            applies, condition = self.code(category.applies), self.code(category.condition)
            worth.append(
                f"(CASE WHEN ({applies}) IS NULL THEN NULL WHEN NOT ({applies}) THEN -2 "
                f"WHEN ({condition}) IS NULL THEN NULL WHEN {condition} THEN {positive} ELSE -1 END)"
            )
        unknown = " OR ".join(f"{w} IS NULL" for w in worth)
        best = f"greatest({', '.join([*worth, '-2'])})"
        cases = " ".join(f"WHEN {w} = {best} THEN {i}" for i, w in enumerate(worth))
        return f"(CASE WHEN {unknown} THEN NULL WHEN {best} = -2 THEN -1 {cases} END)"

    def category_parts(self, category: CategoryDef) -> dict[str, str]:
        program = self.program
        refusals = []
        for ground in program.grounds:
            if category.key in ground.when:
                refusals.append(self.code(ground.when[category.key]))
        condition = self.code(category.condition)
        if condition != "TRUE":
            refusals.append(f"NOT {condition}")
        authority = program.authorities.get(category.track)
        granted_by = refused_by = "CAST(NULL AS VARCHAR(20))"
        if authority is not None:
            refused_by = f"'{authority.refusal}'"
            granted_by = f"'{authority.rows[-1].who}'"
            cases = []
            for row in authority.rows[:-1]:
                tests: list[Expr] = [row.when] if row.when is not None else []
                if row.limit is not None and category.award_most is not None:
                    tests.append(ex.Compare(ex.BOOLEAN, "<=", category.award_most, row.limit))
                test = ex.all_of(*tests)
                if self.nullable(test):
                    cases.append(f"WHEN ({self.code(test)}) IS NULL THEN NULL")
                cases.append(f"WHEN {self.code(test)} THEN '{row.who}'")
            if cases:
                granted_by = f"(CASE {' '.join(cases)} ELSE {granted_by} END)"
        known = []
        if self._maybe(category.award_least):
            known.append("x_least IS NOT NULL")
        if self._maybe(category.award_most):
            known.append("x_most IS NOT NULL")
        if self._maybe(category.tier):
            known.append("x_tier IS NOT NULL")
        if authority is not None:
            known.append("x_granted_by IS NOT NULL")
        return {
            "refused": "(" + " OR ".join(refusals) + ")" if refusals else "FALSE",
            "condition": condition,
            "tier": self.code(category.tier) if category.tier is not None else "CAST(NULL AS BIGINT)",
            "least": self.code(category.award_least) if category.award_least is not None else "CAST(NULL AS BIGINT)",
            "most": self.code(category.award_most) if category.award_most is not None else "CAST(NULL AS BIGINT)",
            "granted_by": granted_by,
            "refused_by": refused_by,
            "known": "(" + " AND ".join(known) + ")" if known else "TRUE",
        }

    def _maybe(self, expr: Expr | None) -> bool:
        return expr is not None and self.nullable(expr)

    def panel(self, per: list[dict[str, str]]) -> str:
        panel = self.program.panel
        if panel is None:
            return "FALSE"
        barred = []
        for index, category in enumerate(self.program.categories):
            tests = [
                self.code(g.when[category.key])
                for g in self.program.grounds
                if g.clause in panel.unless_refused_under and category.key in g.when
            ]
            barred.append(f"WHEN {index} THEN ({' OR '.join(tests)})" if tests else f"WHEN {index} THEN FALSE")
        when = self.code(panel.when)
        return f"({when} AND NOT (CASE k {' '.join(barred)} WHEN -1 THEN FALSE END))"

    def reasons(self, bare: object) -> str:
        assert callable(bare)
        flags: dict[str, list[str]] = {}
        for index, category in enumerate(self.program.categories):
            if not isinstance(category.condition, Const):
                flags.setdefault(bare(category.clause), []).append(f"(k = {index} AND NOT met)")
            for ground in self.program.grounds:
                if category.key not in ground.when:
                    continue
                test = self.code(ground.when[category.key])
                met = " AND met" if ground.about == "award" else ""
                flags.setdefault(bare(ground.clause), []).append(f"(k = {index}{met} AND {test})")
        if self.program.no_category:
            flags.setdefault(self.program.no_category, []).append("(k = -1)")
        items = [
            f"CASE WHEN {' OR '.join(tests)} THEN '{clause}' END"
            for clause, tests in sorted(flags.items(), key=lambda pair: clause_key(pair[0]))
        ]
        d = self.dialect
        return f"(CASE WHEN x_result = 'refused' THEN {d.strings(items)} ELSE {d.strings([])} END)"

    def missing(self, per: list[dict[str, str]], k_null: bool) -> str:
        """Facts that are unknown and that the category may need: never fewer than one case would name."""
        d = self.dialect
        used: dict[str, set[int]] = {}
        for index, category in enumerate(self.program.categories):
            exprs: list[Expr | None] = [
                category.condition,
                category.award_least,
                category.award_most,
                category.tier,
                category.applies,
            ]
            exprs += [g.when[category.key] for g in self.program.grounds if category.key in g.when]
            authority = self.program.authorities.get(category.track)
            if authority is not None:
                exprs += [x for row in authority.rows for x in (row.limit, row.when)]
            for name in self.facts_in(exprs):
                used.setdefault(name, set()).add(index)
        date_facts = self.facts_in([self.program.standard_date])
        items = []
        for name, fact in self.program.facts.items():
            if not self.fact_nullable(fact) or (name not in used and name not in date_facts):
                continue
            every = name in date_facts or len(used[name]) == len(self.program.categories)
            where = "" if every else f" AND (k IS NULL OR k IN ({', '.join(map(str, sorted(used[name])))}))"
            items.append(f"CASE WHEN f_{name} IS NULL{where} THEN '{name}' END")
        return f"(CASE WHEN x_result = 'undetermined' THEN {d.strings(items)} ELSE {d.strings([])} END)"

    def facts_in(self, exprs: Iterable[Expr | None]) -> set[str]:
        found: set[str] = set()
        seen: set[str] = set()
        stack = [e for e in exprs if e is not None]
        while stack:
            for ref in stack.pop().refs():
                if ref.source == "fact":
                    found.add(ref.name)
                elif ref.source == "quantity" and ref.name not in seen:
                    seen.add(ref.name)
                    inner = self.program.quantities[ref.name].expr
                    if inner is not None:
                        stack.append(inner)
        return found
