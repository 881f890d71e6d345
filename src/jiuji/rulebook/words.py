"""Formulas and values in words: what a decision letter or a screen prints beside a figure."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TYPE_CHECKING

from . import expression as ex
from .expression import Expr, Type
from .units import TIER

if TYPE_CHECKING:
    from .program import Program

_OPS = {"<=": "≤", ">=": "≥", "<>": "≠", "=": "＝", "<": "＜", ">": "＞"}
_OPS_EN = {"<=": "≤", ">=": "≥", "<>": "≠", "=": "=", "<": "<", ">": ">"}
_ROUND = {
    "half_up": ("四舍五入", "rounded half up"),
    "down": ("向下取整", "rounded down"),
    "up": ("向上取整", "rounded up"),
}
_TO = {
    1: ("分", "fen"),
    10: ("角", "jiao"),
    100: ("元", "whole yuan"),
    1000: ("十元", "ten yuan"),
    10000: ("百元", "a hundred yuan"),
}


def figure(value: int, kind: Type) -> str:
    """A number as printed, without its unit: thousands separated, money in yuan, no needless decimals."""
    exact = Fraction(value, kind.scale)
    if kind.unit.is_money:
        exact /= 100
    if exact.denominator == 1:
        return f"{exact.numerator:,}"
    if kind.unit.is_money:
        fen = exact * 100
        if fen.denominator == 1:
            return f"{'-' if fen < 0 else ''}{abs(fen.numerator) // 100:,}.{abs(fen.numerator) % 100:02d}"
    return f"{float(exact):,.6f}".rstrip("0").rstrip(".")


def printed(value: int, kind: Type, lang: str = "zh", labels: dict[str, dict[str, str]] | None = None) -> str:
    """A value with its unit, in words where it is a choice or yes/no."""
    if kind.kind == "boolean":
        return ("是" if value else "否") if lang == "zh" else ("yes" if value else "no")
    if kind.kind == "date":
        return dt.date.fromordinal(value).isoformat()
    if kind.kind == "enum":
        name = kind.values[value]
        return (labels or {}).get(name, {}).get(lang, name)
    if kind.unit == TIER and lang == "en":
        return f"tier {figure(value, kind)}"
    unit = kind.unit.words(lang, many=value != kind.scale)
    if not kind.unit.parts and kind.scale > 1:
        return f"{float(Fraction(value, kind.scale) * 100):g} %"
    text = figure(value, kind)
    return f"{text} {unit}" if unit else text


def printed_range(low: int, high: int, kind: Type, lang: str = "zh") -> str:
    """``5,100 至 15,300 元``: both ends, the unit once."""
    ends = printed(low, kind, lang), printed(high, kind, lang)
    if kind.kind == "number" and kind.unit.parts:
        if lang == "en" and kind.unit == TIER:
            return f"{ends[0]} to {figure(high, kind)}"
        ends = figure(low, kind), ends[1]
    return f"{ends[0]} 至 {ends[1]}" if lang == "zh" else f"{ends[0]} to {ends[1]}"


def formula_words(expr: Expr, program: Program, lang: str = "zh") -> str:
    """The formula with every name replaced by its label: ``总费用 − 基本医保报销 − …``."""
    return _Words(program, lang).say(expr)


class _Words:
    def __init__(self, program: Program, lang: str) -> None:
        self.program = program
        self.zh = lang == "zh"
        self.lang = lang

    def say(self, expr: Expr, inner: bool = False) -> str:
        text, compound = self._say(expr)
        if inner and compound:
            return f"（{text}）" if self.zh else f"({text})"
        return text

    def _join(self, items: tuple[Expr, ...], word: str) -> str:
        return word.join(self.say(i, True) for i in items)

    def _say(self, expr: Expr) -> tuple[str, bool]:
        zh = self.zh
        if isinstance(expr, ex.Ref):
            return self.program.lookup(expr).label[self.lang], False
        if isinstance(expr, ex.Const):
            return printed(expr.value, expr.type, self.lang), False
        if isinstance(expr, ex.Arith):
            if expr.op == "-" and ex.is_zero(expr.left):
                return "−" + self.say(expr.right, True), True
            sign = (
                {"+": " ＋ ", "-": " − ", "*": " × "}[expr.op] if zh else {"+": " + ", "-": " − ", "*": " × "}[expr.op]
            )
            left = self.say(expr.left, expr.op == "*" and isinstance(expr.left, ex.Arith) and expr.left.op != "*")
            right = self.say(
                expr.right, not (expr.op in "+*" and isinstance(expr.right, ex.Arith) and expr.right.op == expr.op)
            )
            return left + sign + right, True
        if isinstance(expr, ex.Compare):
            op = (_OPS if zh else _OPS_EN)[expr.op]
            return f"{self.say(expr.left)} {op} {self.say(expr.right)}", True
        if isinstance(expr, ex.Member):
            labels: dict[str, dict[str, str]] = {}
            if isinstance(expr.item, ex.Ref) and expr.item.source == "fact":
                labels = self.program.facts[expr.item.name].value_labels
            names = [
                labels.get(v, {}).get(self.lang, v) for i, v in enumerate(expr.item.type.values) if i in expr.among
            ]
            joined = ("、" if zh else ", ").join(names)
            verb = ("为" if len(names) == 1 else "属于") if zh else ("is" if len(names) == 1 else "is one of")
            return f"{self.say(expr.item)}{'' if zh else ' '}{verb}{'' if zh else ' '}{joined}", True
        if isinstance(expr, ex.All):
            return self._join(expr.items, "，且" if zh else " and "), True
        if isinstance(expr, ex.AnyOf):
            return self._join(expr.items, "，或" if zh else " or "), True
        if isinstance(expr, ex.Not):
            return ("非" if zh else "not ") + self.say(expr.item, True), True
        if isinstance(expr, ex.Choose):
            condition, then, other = self.say(expr.condition), self.say(expr.then), self.say(expr.other)
            if zh:
                return f"{condition}的，为{then}；否则为{other}", True
            return f"{then} if {condition}, otherwise {other}", True
        if isinstance(expr, ex.Extreme):
            first, *others = expr.items
            limits = ("、" if zh else ", ").join(
                self.say(o, isinstance(o, (ex.Rounded, ex.Extreme, ex.Choose))) for o in others
            )
            if expr.which == "least":
                return (
                    f"{self.say(first, not isinstance(first, ex.Rounded))}，最高不超过{limits}"
                    if zh
                    else f"{self.say(first, not isinstance(first, ex.Rounded))}, at most {limits}"
                ), True
            return (
                f"{self.say(first, True)}，最低为 {limits}" if zh else f"{self.say(first, True)}, at least {limits}"
            ), True
        if isinstance(expr, ex.Rounded):
            mode, to = _ROUND[expr.mode][0 if zh else 1], _TO.get(expr.to, ("", ""))[0 if zh else 1]
            item = self.say(expr.item, isinstance(expr.item, (ex.Extreme, ex.Choose)))
            return (f"{item}，{mode}到{to}" if zh else f"{item}, {mode} to {to}"), True
        if isinstance(expr, ex.Divided):
            return f"{self.say(expr.left, True)} ÷ {self.say(expr.right, True)}", True
        if isinstance(expr, ex.DaysBetween):
            start, end = self.say(expr.start), self.say(expr.end)
            return (f"{start}至{end}的天数" if zh else f"days from {start} to {end}"), False
        if isinstance(expr, ex.DatePart):
            part = {"month": ("月份", "month of"), "year": ("年份", "year of")}[expr.part]
            return (f"{self.say(expr.item)}的{part[0]}" if zh else f"{part[1]} {self.say(expr.item)}"), False
        if isinstance(expr, ex.Pick):
            return (f"按{self.say(expr.row)}所定" if zh else f"as set by {self.say(expr.row)}"), False
        raise TypeError(type(expr))
