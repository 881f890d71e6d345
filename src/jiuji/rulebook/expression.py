"""Expressions of a rulebook: a small, typed subset of SQL scalar expressions.

The text is parsed by sqlglot and turned into the few node classes below, with units checked on the way:
``least(own, ceiling) - granted`` is fine where all three are yuan, ``own + household_size`` is refused.

Numbers are exact. A number is a whole number *n* over a fixed *scale*: money counts fen (scale 1), a rate of
20 % is 2 over 10. The scale of every expression is known before any case is seen, so that evaluation needs
whole-number arithmetic only, in Python as in SQL. What would need a fraction of a fen to be dropped is a named
operation (``round_half_up``, ``round_down``, ``round_up``, ``divide``).

No figure stands in a formula: zero is the only number that may be written there.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Literal

import sqlglot
from sqlglot import exp

from .units import DAY, RATIO, TIER, Unit

Kind = Literal["boolean", "number", "enum", "date"]

#: What ``round_…(x, 'yuan')`` rounds to, as a number of base units (fen for money, one for counts).
ROUND_TO = {"fen": 1, "jiao": 10, "yuan": 100, "ten_yuan": 1000, "hundred_yuan": 10000, "one": 1}
ROUND_MODES = ("half_up", "down", "up")


@dataclass(frozen=True)
class Type:
    """What an expression yields. ``values`` are an enumeration's values in order."""

    kind: Kind
    unit: Unit = RATIO
    scale: int = 1
    values: tuple[str, ...] = ()

    def words(self, lang: str = "zh") -> str:
        names = {
            "boolean": ("是否", "yes/no"),
            "enum": ("选项", "a choice"),
            "date": ("日期", "a date"),
        }
        if self.kind == "number":
            return str(self.unit)
        return names[self.kind][0 if lang == "zh" else 1]


BOOLEAN = Type("boolean")
DATE = Type("date")


class ExpressionError(ValueError):
    """A formula that cannot be used, with what is wrong and what to do in both languages."""

    def __init__(self, zh: str, en: str, fix_zh: str = "", fix_en: str = "") -> None:
        super().__init__(en)
        self.zh, self.en, self.fix_zh, self.fix_en = zh, en, fix_zh, fix_en


@dataclass(frozen=True, eq=False)
class Expr:
    """A node; its children are found by ``parts``."""

    type: Type

    @property
    def parts(self) -> tuple[Expr, ...]:
        return ()

    @property
    def scale(self) -> int:
        return self.type.scale

    def refs(self) -> Iterator[Ref]:
        """Every named thing that the expression mentions, in reading order."""
        for part in self.parts:
            yield from part.refs()


@dataclass(frozen=True, eq=False)
class Const(Expr):
    """A constant: a whole number over the type's scale, a truth value, a date's ordinal, or an enum's index."""

    value: int = 0


@dataclass(frozen=True, eq=False)
class Ref(Expr):
    """A name: a fact, a parameter, or a quantity."""

    source: Literal["fact", "parameter", "quantity"] = "fact"
    name: str = ""

    def refs(self) -> Iterator[Ref]:
        yield self


@dataclass(frozen=True, eq=False)
class Arith(Expr):
    """``+``, ``-`` or ``*`` of two numbers."""

    op: str = "+"
    left: Expr = None  # type: ignore[assignment]
    right: Expr = None  # type: ignore[assignment]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, eq=False)
class Compare(Expr):
    """``=``, ``<>``, ``<``, ``<=``, ``>``, ``>=`` of two numbers or two dates."""

    op: str = "="
    left: Expr = None  # type: ignore[assignment]
    right: Expr = None  # type: ignore[assignment]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, eq=False)
class Member(Expr):
    """An enumeration's value is one of some (their indices)."""

    item: Expr = None  # type: ignore[assignment]
    among: frozenset[int] = frozenset()

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.item,)


@dataclass(frozen=True, eq=False)
class All(Expr):
    items: tuple[Expr, ...] = ()

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.items


@dataclass(frozen=True, eq=False)
class AnyOf(Expr):
    items: tuple[Expr, ...] = ()

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.items


@dataclass(frozen=True, eq=False)
class Not(Expr):
    item: Expr = None  # type: ignore[assignment]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.item,)


@dataclass(frozen=True, eq=False)
class Choose(Expr):
    """``CASE WHEN condition THEN then ELSE other END``."""

    condition: Expr = None  # type: ignore[assignment]
    then: Expr = None  # type: ignore[assignment]
    other: Expr = None  # type: ignore[assignment]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.condition, self.then, self.other)


@dataclass(frozen=True, eq=False)
class Extreme(Expr):
    """``least`` or ``greatest`` of several numbers; the first is the thing, the others are its limits."""

    which: Literal["least", "greatest"] = "least"
    items: tuple[Expr, ...] = ()

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.items


@dataclass(frozen=True, eq=False)
class Rounded(Expr):
    """A number rounded to a whole multiple of ``to`` base units (scale 1)."""

    mode: str = "half_up"
    to: int = 1
    item: Expr = None  # type: ignore[assignment]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.item,)


@dataclass(frozen=True, eq=False)
class Divided(Expr):
    """``left / right`` rounded to a whole multiple of ``to`` base units; the divisor is above zero."""

    mode: str = "half_up"
    to: int = 1
    left: Expr = None  # type: ignore[assignment]
    right: Expr = None  # type: ignore[assignment]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, eq=False)
class DaysBetween(Expr):
    """Days from one date to another."""

    start: Expr = None  # type: ignore[assignment]
    end: Expr = None  # type: ignore[assignment]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.start, self.end)


@dataclass(frozen=True, eq=False)
class DatePart(Expr):
    """The month (1 to 12) or the year of a date."""

    part: Literal["month", "year"] = "month"
    item: Expr = None  # type: ignore[assignment]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.item,)


@dataclass(frozen=True, eq=False)
class Pick(Expr):
    """The value of the row (counted from 0) that a decision table chose."""

    row: Expr = None  # type: ignore[assignment]
    options: tuple[Expr, ...] = ()

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.row, *self.options)


# --- building blocks that keep types right ------------------------------------------------------------


def number(value: Fraction | int, unit: Unit = RATIO) -> Const:
    """A figure in base units (fen for money) as an exact constant."""
    exact = Fraction(value)
    scale = decimal_scale(exact)
    return Const(Type("number", unit, scale), int(exact * scale))


def decimal_scale(exact: Fraction) -> int:
    """The least power of ten (or the denominator itself) over which a figure is whole."""
    scale = 1
    while (exact * scale).denominator != 1:
        scale *= 10
        if scale > 10**9:
            return exact.denominator
    return scale


TRUE = Const(BOOLEAN, 1)
FALSE = Const(BOOLEAN, 0)


def all_of(*items: Expr) -> Expr:
    """Conjunction with constants and nesting folded away."""
    flat: list[Expr] = []
    for item in items:
        if isinstance(item, All):
            flat.extend(item.items)
        elif isinstance(item, Const):
            if not item.value:
                return FALSE
        else:
            flat.append(item)
    if not flat:
        return TRUE
    return flat[0] if len(flat) == 1 else All(BOOLEAN, tuple(flat))


def any_of(*items: Expr) -> Expr:
    """Disjunction with constants and nesting folded away."""
    flat: list[Expr] = []
    for item in items:
        if isinstance(item, AnyOf):
            flat.extend(item.items)
        elif isinstance(item, Const):
            if item.value:
                return TRUE
        else:
            flat.append(item)
    if not flat:
        return FALSE
    return flat[0] if len(flat) == 1 else AnyOf(BOOLEAN, tuple(flat))


def negate(item: Expr) -> Expr:
    if isinstance(item, Const):
        return FALSE if item.value else TRUE
    return item.item if isinstance(item, Not) else Not(BOOLEAN, item)


def choose(condition: Expr, then: Expr, other: Expr) -> Expr:
    """CASE with a common type; a condition that is constant is folded away."""
    if isinstance(condition, Const):
        return then if condition.value else other
    return Choose(common_type([then, other], "CASE"), condition, then, other)


def is_zero(item: Expr) -> bool:
    return isinstance(item, Const) and item.type.kind == "number" and item.value == 0


def common_type(items: list[Expr], where: str) -> Type:
    """The type in which several values can stand side by side. Raises ExpressionError."""
    first = next((i for i in items if not is_zero(i)), items[0])
    kind, unit = first.type.kind, first.type.unit
    scale = 1
    for item in items:
        if item.type.kind != kind:
            raise ExpressionError(
                f"{where} 中的类型不一致：{first.type.words()} 与 {item.type.words()}。",
                f"{where} mixes {first.type.words('en')} with {item.type.words('en')}.",
                "请让各项为同一类型。",
                "Give all of them the same type.",
            )
        if kind == "number":
            if item.type.unit != unit and not is_zero(item):
                raise _unit_clash(where, unit, item.type.unit)
            scale = lcm(scale, item.scale)
        if kind == "enum" and item.type.values != first.type.values:
            raise ExpressionError(
                f"{where} 中的选项集不同。",
                f"{where} mixes two enumerations.",
                "请只比较同一选项集的值。",
                "Compare values of one enumeration only.",
            )
    return Type(kind, unit, scale, first.type.values)


def _unit_clash(where: str, left: Unit, right: Unit) -> ExpressionError:
    return ExpressionError(
        f"单位不一致：{where} 两边是 {left} 和 {right}。",
        f"Units do not fit: {where} stands between {left} and {right}.",
        "请检查公式，或为缺少的倍数（人、月、年）设一个带单位的参数。",
        "Check the formula, or name the missing factor (persons, months, years) as a parameter with that unit.",
    )


def arith(op: str, left: Expr, right: Expr) -> Expr:
    """``+``, ``-``, ``*`` with units. Raises ExpressionError."""
    for side in (left, right):
        if side.type.kind != "number":
            raise ExpressionError(
                f"“{op}” 只能用于数，这里是{side.type.words()}。",
                f"'{op}' needs numbers, not {side.type.words('en')}.",
                "日期请用 days_between，条件请用 CASE WHEN。",
                "Use days_between for dates and CASE WHEN for conditions.",
            )
    if op == "*":
        unit = left.type.unit * right.type.unit
        return Arith(Type("number", unit, left.scale * right.scale), op, left, right)
    return Arith(common_type([left, right], f"“{op}”"), op, left, right)


def compare(op: str, left: Expr, right: Expr) -> Expr:
    """A comparison of numbers or dates. Raises ExpressionError."""
    if "boolean" in (left.type.kind, right.type.kind):
        raise ExpressionError(
            f"“{op}” 不能比较是否型的值。",
            f"'{op}' cannot compare yes/no values.",
            "直接写该项，或写 NOT 该项。",
            "Write the item itself, or NOT the item.",
        )
    common_type([left, right], f"“{op}”")
    return Compare(BOOLEAN, op, left, right)


def rounded(mode: str, to: int, item: Expr) -> Expr:
    if item.scale == 1 and to == 1:
        return item
    return Rounded(Type("number", item.type.unit, 1), mode, to, item)


# --- from text ----------------------------------------------------------------------------------------

Scope = Callable[[str], "Expr | None"]


def parse_sql(text: str) -> exp.Expr:
    """The syntax tree of one scalar expression. Raises ExpressionError."""
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError("公式为空。", "The formula is empty.", "请写出公式。", "Write the formula.")
    try:
        trees = [t for t in sqlglot.parse(text) if t is not None]
    except sqlglot.errors.SqlglotError as error:
        detail = ""
        if isinstance(error, sqlglot.errors.ParseError) and error.errors:
            first = error.errors[0]
            detail = f"{first['description']} (…{first['start_context'][-20:]}{first['highlight']}…)"
        raise ExpressionError(
            f"公式语法错误：{text}　{detail}",
            f"The formula cannot be read: {text} {detail}",
            "请检查括号、逗号和运算符。",
            "Check brackets, commas and operators.",
        ) from None
    if len(trees) != 1:
        raise ExpressionError(
            f"这里只能有一个公式：{text}",
            f"One formula only: {text}",
            "请去掉分号。",
            "Remove the semicolon.",
        )
    return trees[0]


def names_in(text: str) -> list[str]:
    """The names that a formula mentions; for the dependency order, before types are known."""
    return [_column_name(c) for c in parse_sql(text).find_all(exp.Column)]


def _column_name(column: exp.Column) -> str:
    return f"{column.table}.{column.name}" if column.table else column.name


_COMPARE: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
_ARITH: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


def build(text: str, scope: Scope, suggestions: Mapping[str, object] | None = None) -> Expr:
    """Read a formula into a typed expression; names are resolved by ``scope``. Raises ExpressionError."""
    return _Builder(scope, list(suggestions or ())).expr(parse_sql(text))


def survey(text: str, scope: Scope, suggestions: Mapping[str, object] | None = None) -> list[ExpressionError]:
    """Every figure and every unknown name in a formula, for a formula that :func:`build` refused at its first fault."""
    found: dict[str, ExpressionError] = {}
    builder = _Builder(scope, list(suggestions or ()))
    with contextlib.suppress(ExpressionError):
        for node in parse_sql(text).find_all(exp.Column, exp.Literal):
            try:
                if isinstance(node, exp.Column):
                    builder._name(node)
                elif isinstance(node, exp.Literal) and not node.is_string:
                    builder._literal(node)
            except ExpressionError as error:
                found.setdefault(str(error), error)
    return list(found.values())


class _Builder:
    def __init__(self, scope: Scope, known: list[str]) -> None:
        self.scope = scope
        self.known = known

    def expr(self, node: exp.Expr) -> Expr:
        if isinstance(node, exp.Paren):
            return self.expr(node.this)
        if isinstance(node, exp.Column):
            return self._name(node)
        if isinstance(node, exp.Boolean):
            return TRUE if node.this else FALSE
        if isinstance(node, exp.Literal):
            return self._literal(node)
        if isinstance(node, (exp.And, exp.Or)):
            items = [self._boolean(n) for n in node.flatten()]
            return all_of(*items) if isinstance(node, exp.And) else any_of(*items)
        if isinstance(node, exp.Not):
            return negate(self._boolean(node.this))
        if type(node) in _COMPARE:
            return self._compare(_COMPARE[type(node)], node.this, node.expression)
        if isinstance(node, exp.Between):
            item = self.expr(node.this)
            low, high = self.expr(node.args["low"]), self.expr(node.args["high"])
            return all_of(compare(">=", item, low), compare("<=", item, high))
        if isinstance(node, exp.In):
            return self._member(self.expr(node.this), node.expressions)
        if type(node) in _ARITH:
            return arith(_ARITH[type(node)], self.expr(node.this), self.expr(node.expression))
        if isinstance(node, exp.Neg):
            item = self.expr(node.this)
            return arith("-", Const(Type("number", item.type.unit), 0), item)
        if isinstance(node, exp.Case):
            return self._case(node)
        if isinstance(node, exp.If):
            if node.args.get("false") is None:
                raise _no_else()
            return self._choice([(node.this, node.args["true"])], node.args["false"])
        if isinstance(node, (exp.Least, exp.Greatest)):
            items = [self.expr(n) for n in [node.this, *node.expressions]]
            self._numbers(items, "least/greatest")
            which: Literal["least", "greatest"] = "least" if isinstance(node, exp.Least) else "greatest"
            return Extreme(common_type(items, which), which, tuple(items))
        if isinstance(node, exp.Anonymous):
            return self._function(str(node.this).lower(), node.expressions)
        if isinstance(node, exp.Div):
            raise ExpressionError(
                "公式里不能直接用 “/”。",
                "'/' may not stand in a formula.",
                "请写 divide(被除数, 除数, 'half_up', 'fen')，说明如何取整。",
                "Write divide(a, b, 'half_up', 'fen'), which names its rounding.",
            )
        if isinstance(node, (exp.Null, exp.Is, exp.Coalesce)):
            raise ExpressionError(
                "公式里不能写 NULL：未知的事实由系统自行处理。",
                "NULL may not stand in a formula: unknown facts are the system's own business.",
                "请为事实设 default，或改写条件。",
                "Give the fact a default, or write the condition in another way.",
            )
        raise ExpressionError(
            f"公式里不能用 {node.sql()}。",
            f"{node.sql()} may not stand in a formula.",
            "可用：AND OR NOT、比较、IN、BETWEEN、+ − *、CASE WHEN、least、greatest、round_half_up、"
            "round_down、round_up、divide、days_between、month_of、year_of。",
            "Allowed: AND OR NOT, comparisons, IN, BETWEEN, + - *, CASE WHEN, least, greatest, round_half_up, "
            "round_down, round_up, divide, days_between, month_of, year_of.",
        )

    def _name(self, node: exp.Column) -> Expr:
        name = _column_name(node)
        found = self.scope(name)
        if found is None:
            raise unknown_name(name, self.known)
        return found

    def _literal(self, node: exp.Literal) -> Expr:
        if node.is_string:
            raise ExpressionError(
                f"'{node.this}' 只能与选项型的事实比较。",
                f"'{node.this}' can only be compared with an enumeration.",
                "写成 cause = 'fire' 或 cause IN ('fire', 'drowning')。",
                "Write cause = 'fire' or cause IN ('fire', 'drowning').",
            )
        if Fraction(str(node.this)) != 0:
            raise ExpressionError(
                f"公式里出现了数字 {node.this}。",
                f"The figure {node.this} stands in a formula.",
                "请把它设为有日期、有出处的参数（[parameter.…]）或写进表里，再在公式里用它的名称。",
                "Make it a dated, sourced parameter ([parameter.…]) or put it in a table, and use its name here.",
            )
        return Const(Type("number"), 0)

    def _boolean(self, node: exp.Expr) -> Expr:
        item = self.expr(node)
        if item.type.kind != "boolean":
            raise ExpressionError(
                f"这里需要条件，而 {node.sql()} 是{item.type.words()}。",
                f"A condition is needed here, but {node.sql()} is {item.type.words('en')}.",
                "请写成比较，例如 vehicles > 0。",
                "Write a comparison, for example vehicles > 0.",
            )
        return item

    def _numbers(self, items: list[Expr], where: str) -> None:
        for item in items:
            if item.type.kind != "number":
                raise ExpressionError(
                    f"{where} 只能用于数，这里有{item.type.words()}。",
                    f"{where} needs numbers, not {item.type.words('en')}.",
                    "请检查各项。",
                    "Check its items.",
                )

    def _compare(self, op: str, left: exp.Expr, right: exp.Expr) -> Expr:
        for one, other in ((left, right), (right, left)):
            if isinstance(other, exp.Literal) and other.is_string:
                item = self.expr(one)
                if item.type.kind == "date":
                    return compare(op, *self._in_order(item, self._date(other), one is left))
                if op not in ("=", "<>"):
                    raise ExpressionError(
                        f"选项只能用 = 或 <> 比较，不能用 {op}。",
                        f"A choice is compared by = or <>, not by {op}.",
                        "请改用 IN (…)。",
                        "Use IN (…).",
                    )
                member = self._member(item, [other])
                return member if op == "=" else negate(member)
        built = self.expr(left), self.expr(right)
        if built[0].type.kind == "enum":
            raise ExpressionError(
                "选项只能与写明的值比较。",
                "A choice can only be compared with a written value.",
                "写成 cause = 'fire'。",
                "Write cause = 'fire'.",
            )
        return compare(op, *built)

    @staticmethod
    def _in_order(item: Expr, constant: Expr, item_first: bool) -> tuple[Expr, Expr]:
        return (item, constant) if item_first else (constant, item)

    @staticmethod
    def _date(node: exp.Literal) -> Expr:
        try:
            return Const(DATE, dt.date.fromisoformat(node.this).toordinal())
        except ValueError:
            raise ExpressionError(
                f"'{node.this}' 不是日期。",
                f"'{node.this}' is not a date.",
                "写成 '2026-01-31'。",
                "Write it as '2026-01-31'.",
            ) from None

    def _member(self, item: Expr, nodes: list[exp.Expr]) -> Expr:
        if item.type.kind != "enum":
            raise ExpressionError(
                f"IN 只能用于选项型的事实，这里是{item.type.words()}。",
                f"IN needs an enumeration, not {item.type.words('en')}.",
                "数请用 BETWEEN 或表。",
                "Use BETWEEN or a table for numbers.",
            )
        among = set()
        for node in nodes:
            value = node.this if isinstance(node, exp.Literal) and node.is_string else node.sql()
            if value not in item.type.values:
                raise ExpressionError(
                    f"'{value}' 不在选项 {'、'.join(item.type.values)} 之中。",
                    f"'{value}' is not one of {', '.join(item.type.values)}.",
                    _closest(value, list(item.type.values))[0],
                    _closest(value, list(item.type.values))[1],
                )
            among.add(item.type.values.index(value))
        return Member(BOOLEAN, item, frozenset(among))

    def _case(self, node: exp.Case) -> Expr:
        if node.this is not None:
            raise ExpressionError(
                "请用 CASE WHEN 条件 THEN …，不要写 CASE 某项 WHEN …。",
                "Use CASE WHEN condition THEN …, not CASE item WHEN ….",
                "逐项写出条件。",
                "Write each condition out.",
            )
        if node.args.get("default") is None:
            raise _no_else()
        branches = [(branch.this, branch.args["true"]) for branch in node.args["ifs"]]
        return self._choice(branches, node.args["default"])

    def _choice(self, branches: list[tuple[exp.Expr, exp.Expr]], default: exp.Expr) -> Expr:
        result = self.expr(default)
        for condition, value in reversed(branches):
            result = choose(self._boolean(condition), self.expr(value), result)
        return result

    def _function(self, name: str, args: list[exp.Expr]) -> Expr:
        if name in ("round_half_up", "round_down", "round_up"):
            self._arity(name, args, 2)
            item = self.expr(args[0])
            self._numbers([item], name)
            return rounded(name.removeprefix("round_"), self._to(args[1], item.type.unit), item)
        if name == "divide":
            self._arity(name, args, 4)
            left, right = self.expr(args[0]), self.expr(args[1])
            self._numbers([left, right], name)
            mode = self._string(args[2])
            if mode not in ROUND_MODES:
                raise ExpressionError(
                    f"取整方式 '{mode}' 未知。",
                    f"The rounding '{mode}' is not known.",
                    f"可用：{'、'.join(ROUND_MODES)}。",
                    f"Use one of {', '.join(ROUND_MODES)}.",
                )
            unit = left.type.unit / right.type.unit
            return Divided(Type("number", unit), mode, self._to(args[3], unit), left, right)
        if name == "days_between":
            self._arity(name, args, 2)
            start, end = self._date_of(args[0]), self._date_of(args[1])
            return DaysBetween(Type("number", DAY), start, end)
        if name in ("month_of", "year_of"):
            self._arity(name, args, 1)
            part: Literal["month", "year"] = "month" if name == "month_of" else "year"
            return DatePart(Type("number"), part, self._date_of(args[0]))
        raise ExpressionError(
            f"函数 {name} 未知。",
            f"The function {name} is not known.",
            "可用：least、greatest、round_half_up、round_down、round_up、divide、days_between、month_of、year_of。",
            "Use least, greatest, round_half_up, round_down, round_up, divide, days_between, month_of, year_of.",
        )

    def _date_of(self, node: exp.Expr) -> Expr:
        item = self.expr(node)
        if item.type.kind != "date":
            raise ExpressionError(
                f"这里需要日期，而 {node.sql()} 是{item.type.words()}。",
                f"A date is needed, but {node.sql()} is {item.type.words('en')}.",
                "请用日期型的事实。",
                "Use a fact of type date.",
            )
        return item

    @staticmethod
    def _arity(name: str, args: list[exp.Expr], wanted: int) -> None:
        if len(args) != wanted:
            raise ExpressionError(
                f"{name} 需要 {wanted} 个参数，这里有 {len(args)} 个。",
                f"{name} takes {wanted} arguments, not {len(args)}.",
                "见规则手册的函数一节。",
                "See the functions in the rulebook reference.",
            )

    @staticmethod
    def _string(node: exp.Expr) -> str:
        return str(node.this) if isinstance(node, exp.Literal) else node.sql()

    def _to(self, node: exp.Expr, unit: Unit) -> int:
        name = self._string(node)
        money_step = name not in ("one",)
        if name not in ROUND_TO or money_step != unit.is_money:
            allowed = [n for n in ROUND_TO if (n != "one") == unit.is_money]
            raise ExpressionError(
                f"不能把 {unit} 取整到 '{name}'。",
                f"{unit} cannot be rounded to '{name}'.",
                f"可用：{'、'.join(allowed)}。",
                f"Use one of {', '.join(allowed)}.",
            )
        return ROUND_TO[name]


def _no_else() -> ExpressionError:
    return ExpressionError(
        "CASE 没有 ELSE。",
        "CASE has no ELSE.",
        "请写出其余情形的值。",
        "Say what holds otherwise.",
    )


def unknown_name(name: str, known: list[str]) -> ExpressionError:
    """The error for a name that nothing defines, with the closest that is."""
    fix = _closest(name, known)
    return ExpressionError(f"名称 {name} 没有定义。", f"The name {name} is not defined.", *fix)


def _closest(name: str, known: list[str]) -> tuple[str, str]:
    import difflib

    near = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    if near:
        return f"是否想写 {' 或 '.join(near)}？", f"Did you mean {' or '.join(near)}?"
    return (
        "请检查拼写，或先定义它。",
        "Check the spelling, or define it first.",
    )


TIER_TYPE = Type("number", TIER)
