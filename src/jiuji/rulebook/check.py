"""Checking a rulebook before it may be published: every problem, with its place and what to do.

Beyond what the program builder finds (types, units, names, cycles, citations, openness) this looks at

* decision tables: a row of inputs that no line covers, or that two lines cover, is shown as a concrete example;
* dated parameters: no hole within the time that the rulebook is in force;
* the size of figures: nothing may outgrow the 64-bit numbers of a database;
* the worked examples: each must come out as written.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from . import expression as ex
from .builder import build_program
from .decision import Rulebook, yuan
from .errors import JiujiError, Problem, RulebookError
from .expression import Const, Expr, Ref
from .library import Effective, Library
from .program import FAR_FUTURE, Program, QuantityDef
from .ranges import Reasoner
from .scalar import Segment
from .words import printed

MOST_ROWS = 200_000  # combinations of inputs tried for one table
INT64 = 2**62


def check(path_or_name: str | Path, library: Library | None = None) -> list[Problem]:
    """All problems of a rulebook, sorted by place. A rulebook without problems gives an empty list."""
    library = library or Library()
    try:
        path = Path(path_or_name)
        book = library.open(path) if path.is_file() else library.find(str(path_or_name))
        effective = library.effective(book)
    except RulebookError as error:
        return error.problems
    return check_effective(effective)


def check_effective(effective: Effective) -> list[Problem]:
    program = build_program(effective)
    problems = list(program.problems)
    problems += _parameters(program)
    if "applied_on" not in program.facts:
        return sorted(set(problems))  # without a date nothing else can be tried
    for index in range(len(program.changes)):
        reasoner = Reasoner(program, Segment(program, index))
        problems += _tables(program, reasoner, index)
        problems += _sizes(program, reasoner)
    problems += _examples(program) if not any(not p.warning for p in problems) else _not_run(program)
    return sorted(set(problems))


def _not_run(program: Program) -> list[Problem]:
    """What the examples would say is not known while the rules themselves are faulty: say so."""
    examples = own_examples(program)
    if not examples:
        return []
    return [
        examples[0][1].problem(
            f"{len(examples)} 个算例没有运行，因为规则本身还有问题。",
            f"{len(examples)} examples were not run, because the rules themselves have problems.",
            "请先改正以上问题，再检查一次。",
            "Correct the problems first, then check again.",
            warning=True,
        )
    ]


def _parameters(program: Program) -> list[Problem]:
    problems = []
    for parameter in program.parameters.values():
        values = parameter.values
        if not values:
            continue
        edge = program.since
        for value in values:
            if value.since > edge:
                problems.append(
                    value.origin.problem(
                        f"参数 {parameter.name} 在 {_date(edge)} 至 {_date(value.since - 1)} 没有值，而标准在此期间有效。",
                        f"{parameter.name} has no value from {_date(edge)} to {_date(value.since - 1)}, while the "
                        "rulebook is in force.",
                        "请补上这一时段的值，或改正 from。",
                        "Add the value for that time, or correct from.",
                    )
                )
            edge = max(edge, value.until)
        if edge < min(program.until, FAR_FUTURE):
            problems.append(
                values[-1].origin.problem(
                    f"参数 {parameter.name} 自 {_date(edge)} 起没有值。",
                    f"{parameter.name} has no value from {_date(edge)} on.",
                    "请补上以后的值，或删去 until。",
                    "Add the later value, or remove until.",
                )
            )
    return problems


def _date(day: int) -> str:
    return dt.date.fromordinal(day).isoformat()


# --- tables -------------------------------------------------------------------------------------------


def _tables(program: Program, reasoner: Reasoner, index: int) -> Iterator[Problem]:
    for quantity in program.quantities.values():
        if quantity.role == "row":
            yield from _table(program, reasoner, quantity)


def _inputs(conditions: list[Expr]) -> dict[str, Ref]:
    found: dict[str, Ref] = {}
    for condition in conditions:
        for node in _walk(condition):
            side = node.left if isinstance(node, ex.Compare) else node.item if isinstance(node, ex.Member) else node
            if isinstance(side, Ref) and side.source != "parameter":
                found.setdefault(side.name, side)
    return found


def _walk(expr: Expr) -> Iterator[Expr]:
    yield expr
    for part in expr.parts:
        yield from _walk(part)


def _table(program: Program, reasoner: Reasoner, quantity: QuantityDef) -> Iterator[Problem]:
    conditions = quantity.conditions
    inputs = _inputs(conditions)
    item = quantity.item
    unique = item.get("hit", "unique") != "first"
    if any(
        reasoner.metas.value.get(r.name, 0) is None for c in conditions for r in c.refs() if r.source == "parameter"
    ):
        return  # a figure of the table is still to be set by a lower level
    points = {name: _points(ref, conditions, reasoner) for name, ref in inputs.items()}
    total = 1
    for values in points.values():
        total *= len(values)
    if total > MOST_ROWS:
        yield item.origin("rows").problem(
            f"表 {item.name} 的条件组合有 {total:,} 种，无法逐一检查有无空缺和重叠。",
            f"The table {item.name} has {total:,} combinations of inputs: gaps and overlaps cannot all be tried.",
            "请拆成几张较小的表。",
            "Split it into smaller tables.",
        )
        return
    covered: set[int] = set()
    gap = overlap = False
    for combination in itertools.product(*points.values()):
        env = dict(zip(points, combination, strict=True))
        hits = [i for i, c in enumerate(conditions) if _holds(c, env, reasoner)]
        if hits:
            covered.add(hits[0])
        shown = _shown(env, inputs, program, "zh"), _shown(env, inputs, program, "en")
        if not hits and not gap:
            gap = True
            yield item.origin("rows").problem(
                f"表 {item.name} 有空缺：{shown[0]} 时没有一行适用。",
                f"The table {item.name} has a gap: no row covers {shown[1]}.",
                "请加一行，或在最后加 { when = {} … } 表示其他情形。",
                "Add a row, or end with { when = {} … } for all other cases.",
            )
        if unique and len(hits) > 1 and not overlap:
            overlap = True
            rows = "、".join(str(h + 1) for h in hits), " and ".join(str(h + 1) for h in hits)
            yield item.origin("rows", hits[1]).problem(
                f"表 {item.name} 有重叠：{shown[0]} 时第 {rows[0]} 行都适用。",
                f"The table {item.name} overlaps: rows {rows[1]} both cover {shown[1]}.",
                '请改正条件；若以先出现的行为准，写 hit = "first"。',
                'Correct the conditions; if the first row shall win, write hit = "first".',
            )
    for index in range(len(conditions)):
        if index not in covered:
            yield item.origin("rows", index).problem(
                f"表 {item.name} 的第 {index + 1} 行永远轮不到。",
                f"Row {index + 1} of the table {item.name} can never be reached.",
                "请删去该行，或把它移到前面。",
                "Remove the row, or move it up.",
            )


def _points(ref: Ref, conditions: list[Expr], reasoner: Reasoner) -> list[int]:
    """Values of an input that between them show every behaviour of the conditions."""
    if ref.type.kind == "enum":
        return list(range(len(ref.type.values)))
    if ref.type.kind == "boolean":
        return [0, 1]
    low, high = _full_bounds(ref, reasoner)
    found = {low, high}
    for condition in conditions:
        for node in _walk(condition):
            if isinstance(node, ex.Compare) and isinstance(node.left, Ref) and node.left.name == ref.name:
                edge = _value(node.right, {}, reasoner) * ref.scale // node.right.scale
                found.update((edge - 1, edge, edge + 1))
    return sorted(v for v in found if low <= v <= high)


def _full_bounds(ref: Ref, reasoner: Reasoner) -> tuple[int, int]:
    box, _ = reasoner.box([None] * len(reasoner.program.facts))
    low, high, _ = reasoner.compile(ref)(box, {})
    return low, high


def _value(expr: Expr, env: dict[str, int], reasoner: Reasoner) -> int:
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Ref) and expr.name in env:
        return env[expr.name]
    low, high, _ = reasoner.compile(expr)(reasoner.box([None] * len(reasoner.program.facts))[0], {})
    return low if low == high else (low + high) // 2


def _holds(expr: Expr, env: dict[str, int], reasoner: Reasoner) -> bool:
    if isinstance(expr, Const):
        return bool(expr.value)
    if isinstance(expr, ex.All):
        return all(_holds(i, env, reasoner) for i in expr.items)
    if isinstance(expr, ex.AnyOf):
        return any(_holds(i, env, reasoner) for i in expr.items)
    if isinstance(expr, ex.Not):
        return not _holds(expr.item, env, reasoner)
    if isinstance(expr, ex.Member):
        return _value(expr.item, env, reasoner) in expr.among
    if isinstance(expr, ex.Compare):
        left = _value(expr.left, env, reasoner) * expr.right.scale
        right = _value(expr.right, env, reasoner) * expr.left.scale
        return {"=": left == right, "<>": left != right, "<": left < right, "<=": left <= right}.get(
            expr.op, left > right if expr.op == ">" else left >= right
        )
    return bool(_value(expr, env, reasoner))


def _shown(env: dict[str, int], inputs: dict[str, Ref], program: Program, lang: str) -> str:
    parts = []
    for name, value in env.items():
        definition = program.lookup(inputs[name])
        labels = getattr(definition, "value_labels", None)
        label = definition.label[lang]
        parts.append(
            f"{label}（{name}）= {printed(value, inputs[name].type, lang, labels)}"
            if lang == "zh"
            else f"{name} = {printed(value, inputs[name].type, lang, labels)}"
        )
    return "，".join(parts) if lang == "zh" else ", ".join(parts)


# --- figures ------------------------------------------------------------------------------------------


def _sizes(program: Program, reasoner: Reasoner) -> Iterator[Problem]:
    box, _ = reasoner.box([None] * len(program.facts))
    for quantity in program.quantities.values():
        if quantity.expr is None:
            continue
        for node in _walk(quantity.expr):
            if node.type.kind != "number":
                continue
            low, high, _ = reasoner.compile(node)(box, {})
            rounding = 2 * getattr(node, "to", 1)
            if max(abs(low), abs(high)) * rounding > INT64:
                yield quantity.item.origin("formula").problem(
                    f"{quantity.name} 可能大到数据库装不下（超过 {INT64:,}）。",
                    f"{quantity.name} may outgrow a database's numbers (above {INT64:,}).",
                    "请为有关事实设 max。",
                    "Give the facts in it a max.",
                )
                break
        if isinstance(quantity.expr, ex.Divided):
            low, _, _ = reasoner.compile(quantity.expr.right)(box, {})
            if low <= 0:
                yield quantity.item.origin("formula").problem(
                    f"{quantity.name} 的除数可能为零。",
                    f"The divisor of {quantity.name} may be zero.",
                    "请为除数设 min，或改用乘法比较。",
                    "Give the divisor a min, or compare by multiplication.",
                )


# --- examples -----------------------------------------------------------------------------------------

EXPECTED = (
    "result",
    "category",
    "track",
    "tier",
    "amount",
    "range",
    "authority",
    "special_panel",
    "reasons",
    "missing",
    "error",
)


def run_example(rulebook: Rulebook, data: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The differences of one worked example: key → (expected, found). Empty when it comes out as written."""
    expect = data.get("expect", {})
    case = dict(data.get("case", {}))
    try:
        decision = rulebook.decide(case, data.get("on"))
    except JiujiError as error:
        wanted = expect.get("error")
        return {} if wanted is not None and wanted == error.key else {"error": (wanted, f"{error.key}: {error.en}")}
    if "error" in expect:
        return {"error": (expect["error"], None)}
    found: dict[str, Any] = {key: getattr(decision, key) for key in EXPECTED if key not in ("amount", "range", "error")}
    found["amount"] = yuan(decision.amount)
    found["range"] = [yuan(v) for v in decision.range] if decision.range else None
    wrong = {}
    for key, wanted in expect.items():
        value = found.get(key)
        if key == "amount" and wanted not in ("", "none"):
            wanted = _yuan(wanted)
        if key == "range" and isinstance(wanted, list):
            wanted = [_yuan(w) for w in wanted]
        if key == "missing" and isinstance(wanted, list):
            value, wanted = sorted(value or []), sorted(map(str, wanted))
        if value != wanted and not (wanted in ("", "none") and value is None):
            wrong[key] = (wanted, value)
    return wrong


def _yuan(value: Any) -> Any:
    """An expected amount as decisions print it; what is no amount stays as it is, and so differs."""
    try:
        return f"{Decimal(str(value)):.2f}"
    except ArithmeticError:
        return value


def own_examples(program: Program) -> list[tuple[dict[str, Any], Any]]:
    """The examples that the asked-for book itself wrote (an upper level's are its own business)."""
    return [(d, o) for d, o in program.effective.lists["example"] if o.book is program.effective.book]


def _examples(program: Program) -> Iterator[Problem]:
    rulebook = Rulebook(program)
    for data, where in own_examples(program):
        unknown = set(data) - {"name", "case", "expect", "on", "row"} | set(data.get("expect", {})) - set(EXPECTED)
        name = data.get("name", {})
        title = name.get("zh", "") if isinstance(name, dict) else str(name)
        title_en = name.get("en", "") if isinstance(name, dict) else str(name)
        if unknown or "expect" not in data or "case" not in data:
            yield where.problem(
                f"例子 “{title}” 的键不对：{'、'.join(sorted(unknown)) or '缺 case 或 expect'}。",
                f"The example '{title_en}' has wrong keys: {', '.join(sorted(unknown)) or 'case or expect is missing'}.",
                f"case 写事实，expect 写 {'、'.join(EXPECTED)}。",
                f"case holds facts, expect holds {', '.join(EXPECTED)}.",
            )
            continue
        wrong = run_example(rulebook, data)
        if wrong:
            shown = "；".join(f"{k} 应为 {w}，得出 {f}" for k, (w, f) in wrong.items())
            shown_en = "; ".join(f"{k} should be {w} but is {f}" for k, (w, f) in wrong.items())
            yield where.problem(
                f"例子 “{title}” 不符：{shown}。",
                f"The example '{title_en}' fails: {shown_en}.",
                "请改正规则或例子。",
                "Correct the rule or the example.",
            )
