"""The fastest batch on one machine: the rulebook as one compiled loop over columns (extra ``kernel``: numba).

For rows whose facts are all known. The loop is generated from the same program as every other compiler: for each row
the date gives the stretch of the standard, ``applies`` gives the category, and only that category's quantities are
computed, in whole numbers. Columns come and go as NumPy arrays: money in whole fen, choices as codes in the order of
the rulebook, dates as days since 1970-01-01.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import expression as ex
from .errors import CaseError, JiujiError
from .expression import Const, Expr, Ref
from .program import AUTHORITIES, CategoryDef, FactDef, Program, clause_key
from .ranges import Reasoner
from .scalar import Metas, Segment, _Emitter

EPOCH = 719163  # the ordinal of 1970-01-01
RESULTS = ("refused", "granted")
OUTPUTS = {
    "result": "int8",
    "category": "int8",
    "tier": "int8",
    "least": "int64",
    "most": "int64",
    "authority": "int8",
    "special_panel": "bool_",
    "reasons": "int64",
}


class Kernel:
    """A compiled loop for one program. Compiling takes a few seconds, once."""

    def __init__(self, program: Program) -> None:
        try:
            import numba
        except ImportError:
            raise JiujiError(
                "未安装 numba：请安装 jiuji[kernel]，或使用默认的批量方式。",
                "numba is not installed: install jiuji[kernel], or use the default batch.",
            ) from None
        gaps = program.gaps(program.since)
        if gaps or program.choose == "best":
            raise JiujiError(
                f"标准 {program.id} 尚有缺项或按最高类别计发，请使用默认的批量方式。",
                f"The rulebook {program.id} has gaps or takes the best of several categories: use the default batch.",
            )
        self.program = program
        emitter = _KernelEmitter(program)
        self.source = emitter.module()
        self.facts = [program.facts[n] for n in emitter.used]
        self.clauses = emitter.clauses
        space: dict[str, Any] = {
            "numba": numba,
            "np": np,
            "month_of": _date_part("month"),
            "year_of": _date_part("year"),
        }
        exec(compile(self.source, f"<kernel {program.id}>", "exec"), space)
        self._loop = numba.njit(parallel=True, cache=False, nogil=True)(space["loop"])
        self._bad = numba.njit(parallel=True, cache=False, nogil=True)(space["bad"])
        self._tables = [np.array(t, dtype=np.int64) for t in emitter.tables]
        self._changes = np.array([c - EPOCH for c in program.changes], dtype=np.int64)

    def decide(self, columns: dict[str, np.ndarray], *, check: bool = True) -> dict[str, np.ndarray]:
        """Output columns (see ``OUTPUTS``): codes of result, category (index) and authority; amounts in fen.

        Facts with a default may be left out. Raises CaseError naming the first row and fact out of range.
        """
        rows = len(columns["applied_on"])
        inputs = [columns[f.name] if f.name in columns else self._default(f, rows) for f in self.facts]
        if check:
            where, fact = self._bad(rows, *inputs)
            if where >= 0:
                name = self.facts[fact].name if fact < len(self.facts) else "applied_on"
                raise CaseError(
                    f"第 {where + 1} 行的 {name} 超出范围或前后矛盾。",
                    f"Row {where + 1}: {name} is out of range or contradictory.",
                    key=name,
                )
        out = {name: np.empty(rows, dtype=kind) for name, kind in OUTPUTS.items()}
        self._loop(rows, *inputs, *self._tables, self._changes, *out.values())
        return out

    def _default(self, fact: FactDef, rows: int) -> np.ndarray:
        if fact.default is None:
            raise CaseError(
                f"缺少列 {fact.name}（{fact.label['zh']}）。",
                f"The column {fact.name} ({fact.label['en']}) is missing.",
                key=fact.name,
            )
        kinds = {"boolean": np.bool_, "enum": np.int8}
        return np.full(rows, fact.default, dtype=kinds.get(fact.kind, np.int64))

    def reasons_of(self, mask: int) -> list[str]:
        """The clauses of a reasons mask, ascending."""
        return [c for i, c in enumerate(self.clauses) if mask >> i & 1]


class _KernelEmitter(_Emitter):
    """Straight-line code per category, in place of functions over slots."""

    def __init__(self, program: Program) -> None:
        segment = Segment(program, 0)
        super().__init__(program, Metas(program, 0), 0)
        self.reasoner = Reasoner(program, segment)
        self.used: list[str] = []
        self.varying: list[str] = []
        self.tables: list[list[int]] = []
        self.constant: dict[str, int] = {}
        for p in program.parameters.values():
            values = [dated.value for day in program.changes if (dated := p.at(day)) is not None]
            if len(set(values)) == 1:
                self.constant[p.name] = values[0]
            else:
                self.varying.append(p.name)
                self.tables.append(values)
        clauses = {c.clause for c in program.categories} | {g.clause for g in program.grounds}
        self.clauses = sorted(clauses, key=clause_key)

    def by_date(self, expr: ex.Compare) -> bool | None:
        return None

    def code(self, expr: Expr) -> str:
        if isinstance(expr, ex.Compare) and expr.left is self.program.standard_date and isinstance(expr.right, Const):
            return f"(day {expr.op if expr.op not in ('=', '<>') else {'=': '==', '<>': '!='}[expr.op]} {expr.right.value - EPOCH})"
        if isinstance(expr, Const) and expr.type.kind == "date":
            return f"({expr.value - EPOCH})"
        return super().code(expr)

    def ref(self, expr: Ref) -> str:
        if expr.source == "fact":
            if expr.name not in self.used:
                self.used.append(expr.name)
            return f"f_{expr.name}"
        if expr.source == "parameter":
            return str(self.constant[expr.name]) if expr.name in self.constant else f"p_{expr.name}"
        return f"q{self.program.quantities[expr.name].slot}"

    def solid(self, expr: Expr, scale: int | None = None) -> str:
        return self.aligned(expr, scale or expr.scale)

    def ordered(self, exprs: list[Expr]) -> list[str]:
        """The quantities that some expressions need, each after what it needs itself."""
        order: list[str] = []

        def visit(expr: Expr) -> None:
            for ref in expr.refs():
                if ref.source == "quantity" and ref.name not in order:
                    inner = self.program.quantities[ref.name].expr
                    if inner is not None:
                        visit(inner)
                    order.append(ref.name)

        for expr in exprs:
            visit(expr)
        return order

    def module(self) -> str:
        program = self.program
        day = self.code(program.standard_date)
        branches: list[str] = []
        early = self.ordered([c.applies for c in program.categories])
        branches += [f"        q{program.quantities[n].slot} = {self._value(n)}" for n in early]
        for index, category in enumerate(program.categories):
            branches.append(f"        {'if' if index == 0 else 'elif'} {self.code(category.applies)}:")
            branches += ["            " + line for line in self.branch(index, category, early)]
        branches += ["        else:", "            k = -1; refused = True; who = 0"]
        loads = [f"        p_{name} = t_{name}[segment]" for name in self.varying]
        facts = [f"        f_{n} = {self.load(n)}" for n in self.used]
        args = ", ".join([f"c_{n}" for n in self.used])
        tables = "".join(f", t_{n}" for n in self.varying)
        outs = ", ".join(f"o_{n}" for n in OUTPUTS)
        lines = [
            f"def loop(rows, {args}{tables}, changes, {outs}):",
            "    for i in numba.prange(rows):",
            *facts,
            f"        day = {day}",
            "        segment = 0",
            "        for j in range(1, changes.shape[0]):",
            "            segment += day >= changes[j]",
            *loads,
            "        tier = 0; least = 0; most = 0; why = 0; panel = False",
            *branches,
            "        o_result[i] = 0 if refused else 1",
            "        o_category[i] = k",
            "        o_tier[i] = 0 if refused else tier",
            "        o_least[i] = 0 if refused else least",
            "        o_most[i] = 0 if refused else most",
            "        o_authority[i] = who",
            "        o_special_panel[i] = panel",
            "        o_reasons[i] = why",
            "",
        ]
        return "\n".join([*lines, *self.checks(args)])

    def _value(self, name: str) -> str:
        expr = self.program.quantities[name].expr
        assert expr is not None
        return self.code(expr)

    def load(self, name: str) -> str:
        kind = self.program.facts[name].kind
        return f"c_{name}[i]" if kind == "boolean" else f"np.int64(c_{name}[i])"

    def branch(self, index: int, category: CategoryDef, early: list[str]) -> list[str]:
        program = self.program
        grounds = self.grounds(category)
        authority = program.authorities.get(category.track)
        wanted: list[Expr] = [e for _, e, _ in grounds] + [category.condition]
        wanted += [e for e in (category.award_least, category.award_most, category.tier) if e is not None]
        if authority is not None:
            wanted += [e for row in authority.rows for e in (row.limit, row.when) if e is not None]
        if program.panel is not None:
            wanted.append(program.panel.when)
        panel_quantities = set(self.ordered([program.panel.when])) if program.panel else set()
        core = self.ordered([e for e in wanted if program.panel is None or e is not program.panel.when])
        lines = [f"k = {index}"]
        lines += [f"q{program.quantities[n].slot} = {self._value(n)}" for n in core if n not in early]
        lines.append(f"met = {self.code(category.condition)}")
        own = self.clauses.index(category.clause)
        lines.append(f"why = (1 - met) << {own}" if own else "why = 1 - met")
        for _, expr, award in grounds:
            clause = next(g.clause for g in program.grounds if g.when.get(category.key) is expr)
            bit = self.clauses.index(clause)
            lines.append(f"why |= np.int64({self.code(expr)}{' and met' if award else ''}) << {bit}")
        lines.append("refused = why != 0")
        ends = {"tier": category.tier, "least": category.award_least, "most": category.award_most}
        lines += [f"{name} = {self.code(end)}" for name, end in ends.items() if end is not None]
        granted, refusal = self.authority_code(category)
        lines.append(f"who = {refusal} if refused else {granted}" if authority is not None else "who = 0")
        if program.panel is not None and not self._never(category, program.panel.when):
            for n in self.ordered([program.panel.when]):
                if n in panel_quantities and n not in core and n not in early:
                    lines.append(f"q{program.quantities[n].slot} = {self._value(n)}")
            barred = sum(1 << self.clauses.index(c) for c in program.panel.unless_refused_under if c in self.clauses)
            lines.append(f"panel = {self.code(program.panel.when)} and (why & {barred}) == 0")
        return lines

    def _never(self, category: CategoryDef, when: Expr) -> bool:
        """Whether a condition cannot hold in a category whose ``applies`` is a plain choice."""
        if not isinstance(category.applies, ex.Member) or not isinstance(category.applies.item, Ref):
            return False
        box, _ = self.reasoner.box([None] * len(self.program.facts))
        box[self.program.facts[category.applies.item.name].slot] = sum(1 << i for i in category.applies.among)
        return self.reasoner.compile(when)(box, {})[1] == 0

    def checks(self, args: str) -> list[str]:
        """The first row that holds an impossible value: (row, number of the fact), or (-1, 0)."""
        lines = [
            f"def bad(rows, {args}):",
            "    worst = np.int64(-1)",
            "    for i in numba.prange(rows):",
            "        b = 0",
        ]
        for name in self.used:
            fact = self.program.facts[name]
            if fact.kind == "boolean":
                continue
            shift = EPOCH if fact.kind == "date" else 0
            low, high = fact.low - shift, fact.high - shift
            if fact.name == "applied_on":
                low, high = self.program.since - EPOCH, self.program.until - 1 - EPOCH
            lines.append(f"        b |= (c_{name}[i] < {low}) | (c_{name}[i] > {high})")
        for rule in self.program.constraints:
            if {r.name for r in rule.that.refs()} <= set(self.used):
                test = self.code(rule.that)
                for ref in rule.that.refs():
                    test = test.replace(f"f_{ref.name}", f"c_{ref.name}[i]")
                lines.append(f"        b |= not {test}")
        lines += [
            "        worst = max(worst, np.int64(b))",
            "    if worst <= 0:",
            "        return -1, 0",
            "    for i in range(rows):",
        ]
        for number, name in enumerate(self.used):
            fact = self.program.facts[name]
            if fact.kind == "boolean":
                continue
            shift = EPOCH if fact.kind == "date" else 0
            low, high = fact.low - shift, fact.high - shift
            if fact.name == "applied_on":
                low, high = self.program.since - EPOCH, self.program.until - 1 - EPOCH
            lines += [f"        if (c_{name}[i] < {low}) | (c_{name}[i] > {high}):", f"            return i, {number}"]
        for rule in self.program.constraints:
            names = [r.name for r in rule.that.refs()]
            if set(names) <= set(self.used):
                test = self.code(rule.that)
                for ref in rule.that.refs():
                    test = test.replace(f"f_{ref.name}", f"c_{ref.name}[i]")
                lines += [f"        if not {test}:", f"            return i, {self.used.index(names[0])}"]
        return [*lines, "    return -1, 0", ""]


def _date_part(part: str) -> Any:
    """The month or year of days since 1970-01-01, in whole-number arithmetic (proleptic Gregorian)."""
    import numba

    @numba.njit
    def month(day: int) -> int:
        z = day + 719468
        doe = z - (z // 146097) * 146097
        yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
        doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
        mp = (5 * doy + 2) // 153
        return mp + 3 if mp < 10 else mp - 9

    @numba.njit
    def year(day: int) -> int:
        z = day + 719468
        era = z // 146097
        doe = z - era * 146097
        yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
        doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
        return yoe + era * 400 + (1 if (5 * doy + 2) // 153 >= 10 else 0)

    return month if part == "month" else year


WHO = tuple(AUTHORITIES)


def columns_from(table: Any, facts: list[FactDef]) -> dict[str, np.ndarray]:
    """Arrow columns (all known) as the kernel wants them. Raises KeyError for a choice that is not known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    out: dict[str, np.ndarray] = {}
    for fact in facts:
        if fact.name not in table.column_names:
            continue
        column = table[fact.name].combine_chunks()
        kind = column.type
        if fact.kind == "enum":
            codes = pc.index_in(column.cast(pa.string()), value_set=pa.array(fact.type.values))
            if codes.null_count:
                raise KeyError(fact.name)
            out[fact.name] = codes.to_numpy(zero_copy_only=False).astype(np.int8)
        elif fact.kind == "money" and pa.types.is_decimal128(kind) and kind.scale <= 2:
            words = np.frombuffer(column.buffers()[1], dtype=np.int64).reshape(-1, 2)[
                column.offset : column.offset + len(column), 0
            ]
            out[fact.name] = words if kind.scale == 2 else words * 10 ** (2 - kind.scale)
        elif fact.kind == "money" and pa.types.is_integer(kind):
            out[fact.name] = column.to_numpy(zero_copy_only=False).astype(np.int64) * 100
        elif fact.kind == "money":
            raise KeyError(fact.name)
        elif fact.kind == "date":
            out[fact.name] = column.cast(pa.date32()).cast(pa.int32()).to_numpy(zero_copy_only=False)
        else:
            out[fact.name] = column.to_numpy(zero_copy_only=False)
    return out


def decide_arrow(kernel: Kernel, table: Any) -> Any:
    """The table with the decision's columns, as the SQL batch gives them. Raises CaseError or KeyError where a row cannot."""
    import pyarrow as pa

    from .population import decimal

    out = kernel.decide(columns_from(table, kernel.facts))
    program = kernel.program
    granted = out["result"] == 1
    ranged = granted & (out["least"] != out["most"])
    paid = granted & ~ranged

    def named(codes: np.ndarray, names: list[str | None]) -> Any:
        return pa.array(names, pa.string()).take(pa.array(codes))

    def money(fen: np.ndarray, where: np.ndarray) -> Any:
        import pyarrow.compute as pc

        return pc.if_else(pa.array(where), decimal(fen), pa.scalar(None, pa.decimal128(18, 2)))

    masks, index = np.unique(out["reasons"], return_inverse=True)
    reasons = pa.array([kernel.reasons_of(int(m)) for m in masks], pa.list_(pa.string())).take(pa.array(index))
    category = [*(c.clause for c in program.categories), program.no_category or None]
    track = [*(c.track for c in program.categories), None]
    rows = len(granted)
    made = {
        "result": named(out["result"], list(RESULTS)),
        "category": named(out["category"] % len(category), category),
        "track": named(out["category"] % len(track), track),
        "tier": pa.array(out["tier"].astype(np.int32), mask=~granted),
        "amount": money(out["most"], paid),
        "range_least": money(out["least"], ranged),
        "range_most": money(out["most"], ranged),
        "authority": named(out["authority"], list(WHO)),
        "special_panel": pa.array(out["special_panel"]),
        "reasons": reasons,
        "missing": pa.array([[]], pa.list_(pa.string())).take(pa.array(np.zeros(rows, dtype=np.int8))),
        "error": pa.nulls(rows, pa.string()),
    }
    for name, column in made.items():
        table = table.append_column(name, column)
    return table
