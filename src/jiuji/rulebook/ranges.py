"""One case, facts missing: what is already certain, and which facts could still matter.

Every unknown fact still has a range (a deduction is never negative, a household has at least one member), so the
rulebook is evaluated over *boxes*: each fact is a known value, an interval, or a set of choices. Each result carries
the set of unknown facts that it still depends on: a result that is the same throughout the box depends on none.

    bill 8,000, deductions unknown → own between 0 and 8,000 → not above 10,000 → refused under 2.2.3.

Interval arithmetic alone may be too wide where one unknown occurs twice. So the question "can this fact still
matter?" is answered by looking for a witness (two completions that differ in this fact only and come out
differently), and, where none is found, by splitting the box until the bounds prove that there is none. Should the
budget for that run out, the fact counts as missing: the clerk is asked once too often, never told a wrong answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import lcm
from typing import Any

from . import expression as ex
from .expression import Const, Expr, Ref
from .program import AUTHORITIES, CategoryDef, Program
from .scalar import NOTHING, Metas, Node, Segment, month_of, year_of

#: (low, high, mask of unknown slots that it depends on); truth values are 0 and 1, choices a bit set in ``low``.
Bounds = tuple[int, int, int]
Memo = dict[int, Bounds]
Box = list[Any]
Eval = Callable[[Box, Memo], Bounds]
Point = list[Any]

NO_CATEGORY = -1
ABSENT = (-(10**18), -(10**18))  # "no tier", "no amount": different from every figure
SPLITS = 240  # boxes looked at for one fact before it counts as missing


@dataclass(slots=True)
class Outlook:
    """What is known of a decision over a box: bounds of each output, and what they depend on."""

    refused: tuple[int, int]
    least: tuple[int, int] | None
    most: tuple[int, int] | None
    tier: tuple[int, int] | None
    authorities: int
    categories: list[int]
    mask: int
    mixed: bool = False  # refused by one category with an authority, by none without one

    @property
    def certain(self) -> bool:
        if self.refused[0] != self.refused[1] or self.authorities & (self.authorities - 1) or self.mixed:
            return False
        if self.refused[0]:
            return True
        return all(b is None or b[0] == b[1] for b in (self.least, self.most, self.tier))

    def outcome(self) -> tuple[Any, ...]:
        """As the compiled ``outcome_k`` gives it; only where ``certain``."""
        authority = self.authorities.bit_length() - 1 if self.authorities else None
        if self.refused[0]:
            return (True, None, None, None, authority)
        ends = [None if b is None or b[0] == ABSENT[0] else b[0] for b in (self.least, self.most, self.tier)]
        return (False, *ends, authority)


class Reasoner:
    """Box evaluation of one program over one stretch of dates."""

    def __init__(self, program: Program, segment: Segment) -> None:
        self.program = program
        self.segment = segment
        self.metas: Metas = segment.metas
        self._compiled: dict[int, Eval] = {}
        self._keep: list[Expr] = []
        self.enum_slots = {f.slot: len(f.type.values) for f in program.facts.values() if f.type.kind == "enum"}
        self.limits = self._limits()
        self.orders = [o for o in (self._order(r.that) for r in program.constraints) if o]
        self.applies = [self.compile(c.applies) for c in program.categories]
        self.covered = self._covered()
        self.conditions = [self.compile(c.condition) for c in program.categories]
        self.grounds: list[list[tuple[int, Eval, bool]]] = [
            [
                (i, self.compile(g.when[c.key]), g.about == "award")
                for i, g in enumerate(program.grounds)
                if c.key in g.when
            ]
            for c in program.categories
        ]
        self.ends = [
            (
                self.compile(c.award_least) if c.award_least is not None else None,
                self.compile(c.award_most) if c.award_most is not None else None,
                self.compile(c.tier) if c.tier is not None else None,
            )
            for c in program.categories
        ]
        self.authority = [self._authority(c) for c in program.categories]
        self.panel = self.compile(program.panel.when) if program.panel else None

    # --- boxes ---

    def _limits(self) -> dict[int, tuple[int, int]]:
        limits = {}
        for fact in self.program.facts.values():
            limits[fact.slot] = (fact.low, fact.high)
        for parameter in self.program.parameters.values():
            if self.metas.value[parameter.name] is None:
                limits[parameter.slot] = (parameter.low, parameter.high)
        for quantity in self.program.quantities.values():
            if quantity.expr is None:
                limits[quantity.slot] = (0, 1) if quantity.type.kind == "boolean" else (quantity.low, quantity.high)
        return limits

    def box(self, facts: list[Any]) -> tuple[Box, list[int]]:
        """The box of a case, and the slots that are unknown in it (facts and gaps of the policy)."""
        size = len(self.program.facts)
        box: Box = [None] * self.segment.slots
        unknown = []
        for slot, (low, high) in self.limits.items():
            value = facts[slot] if slot < size else None
            if value is None:
                unknown.append(slot)
                box[slot] = (1 << self.enum_slots[slot]) - 1 if slot in self.enum_slots else (low, high)
            else:
                box[slot] = 1 << value if slot in self.enum_slots else (int(value), int(value))
        self.narrow(box)
        return box, unknown

    def _order(self, expr: Expr) -> tuple[int, int] | None:
        """A constraint of the form fact ≤ fact, which narrows ranges."""
        if not isinstance(expr, ex.Compare) or expr.op not in ("<=", ">="):
            return None
        left, right = expr.left, expr.right
        if not isinstance(left, Ref) or not isinstance(right, Ref) or {left.source, right.source} != {"fact"}:
            return None
        slots = self.program.facts[left.name].slot, self.program.facts[right.name].slot
        return slots if expr.op == "<=" else (slots[1], slots[0])

    def narrow(self, box: Box) -> None:
        for low, high in self.orders:
            (a, b), (c, d) = box[low], box[high]
            box[low] = (a, max(a, min(b, d)))
            box[high] = (min(d, max(c, a)), d)

    def single(self, box: Box, slot: int) -> bool:
        value = box[slot]
        return not value & (value - 1) if slot in self.enum_slots else value[0] == value[1]

    # --- expressions over a box ---

    def compile(self, expr: Expr) -> Eval:
        found = self._compiled.get(id(expr))
        if found is None:
            found = self._compiled[id(expr)] = self._compile(expr)
            self._keep.append(expr)
        return found

    def _scaled(self, expr: Expr, scale: int) -> Eval:
        inner = self.compile(expr)
        factor = scale // expr.scale
        if factor == 1:
            return inner

        def times(box: Box, memo: Memo) -> Bounds:
            low, high, mask = inner(box, memo)
            return low * factor, high * factor, mask

        return times

    def _compile(self, expr: Expr) -> Eval:
        if isinstance(expr, Const):
            fixed = (expr.value, expr.value, 0)
            return lambda box, memo: fixed
        if isinstance(expr, Ref):
            return self._ref(expr)
        if isinstance(expr, ex.Arith):
            return self._arith(expr)
        if isinstance(expr, ex.Compare):
            return self._compare(expr)
        if isinstance(expr, ex.Member):
            return self._member(expr)
        if isinstance(expr, (ex.All, ex.AnyOf)):
            return self._junction([self.compile(i) for i in expr.items], 0 if isinstance(expr, ex.All) else 1)
        if isinstance(expr, ex.Not):
            inner = self.compile(expr.item)

            def inverse(box: Box, memo: Memo) -> Bounds:
                low, high, mask = inner(box, memo)
                return 1 - high, 1 - low, mask

            return inverse
        if isinstance(expr, ex.Choose):
            return self._choose(expr)
        if isinstance(expr, ex.Extreme):
            items = [self._scaled(i, expr.scale) for i in expr.items]
            pick = min if expr.which == "least" else max

            def extreme(box: Box, memo: Memo) -> Bounds:
                bounds = [i(box, memo) for i in items]
                low, high = pick(b[0] for b in bounds), pick(b[1] for b in bounds)
                if low == high:
                    return low, high, 0
                mask = 0
                for b in bounds:  # an item that can never be the one attained does not matter
                    if (b[0] < high) if pick is min else (b[1] > low):
                        mask |= b[2]
                return low, high, mask

            return extreme
        if isinstance(expr, ex.Rounded):
            inner, divisor, to, mode = self.compile(expr.item), expr.item.scale * expr.to, expr.to, expr.mode

            def rounded(box: Box, memo: Memo) -> Bounds:
                low, high, mask = inner(box, memo)
                return _settled(_round(low, divisor, mode) * to, _round(high, divisor, mode) * to, mask)

            return rounded
        if isinstance(expr, ex.Divided):
            return self._divided(expr)
        if isinstance(expr, ex.DaysBetween):
            start, end = self.compile(expr.start), self.compile(expr.end)

            def days(box: Box, memo: Memo) -> Bounds:
                a, b = start(box, memo), end(box, memo)
                return b[0] - a[1], b[1] - a[0], a[2] | b[2]

            return days
        if isinstance(expr, ex.DatePart):
            inner, month = self.compile(expr.item), expr.part == "month"

            def part(box: Box, memo: Memo) -> Bounds:
                low, high, mask = inner(box, memo)
                if not month or year_of(low) == year_of(high):
                    of = month_of if month else year_of
                    return _settled(of(low), of(high), mask)
                return 1, 12, mask

            return part
        if isinstance(expr, ex.Pick):
            row = self.compile(expr.row)
            options = [self._scaled(o, expr.scale) for o in expr.options]

            def pick_row(box: Box, memo: Memo) -> Bounds:
                first, last, mask = row(box, memo)
                if first == last:
                    return options[first](box, memo)
                bounds = [o(box, memo) for o in options[first : last + 1]]
                for b in bounds:
                    mask |= b[2]
                return _settled(min(b[0] for b in bounds), max(b[1] for b in bounds), mask)

            return pick_row
        raise TypeError(type(expr))

    def _ref(self, expr: Ref) -> Eval:
        definition = self.program.lookup(expr)
        slot = definition.slot
        if expr.source == "parameter" and self.metas.value[expr.name] is not None:
            value = self.metas.value[expr.name]
            assert value is not None
            fixed = (value, value, 0)
            return lambda box, memo: fixed
        if expr.source == "quantity":
            quantity = self.program.quantities[expr.name]
            if quantity.expr is not None:
                inner = self.compile(quantity.expr)

                def remembered(box: Box, memo: Memo) -> Bounds:
                    found = memo.get(slot)
                    if found is None:
                        found = memo[slot] = inner(box, memo)
                    return found

                return remembered
        bit = 1 << slot

        def fact(box: Box, memo: Memo) -> Bounds:
            low, high = box[slot]
            return low, high, 0 if low == high else bit

        return fact

    def _arith(self, expr: ex.Arith) -> Eval:
        if expr.op == "*":
            left, right = self.compile(expr.left), self.compile(expr.right)

            def times(box: Box, memo: Memo) -> Bounds:
                a, b = left(box, memo), right(box, memo)
                if a[0] >= 0 and b[0] >= 0:
                    return _settled(a[0] * b[0], a[1] * b[1], a[2] | b[2])
                corners = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
                return _settled(min(corners), max(corners), a[2] | b[2])

            return times
        left, right = self._scaled(expr.left, expr.scale), self._scaled(expr.right, expr.scale)
        if expr.op == "+":

            def plus(box: Box, memo: Memo) -> Bounds:
                a, b = left(box, memo), right(box, memo)
                return a[0] + b[0], a[1] + b[1], a[2] | b[2]

            return plus

        def minus(box: Box, memo: Memo) -> Bounds:
            a, b = left(box, memo), right(box, memo)
            return a[0] - b[1], a[1] - b[0], a[2] | b[2]

        return minus

    def _compare(self, expr: ex.Compare) -> Eval:
        if expr.left is self.program.standard_date and isinstance(expr.right, Const):
            day, bound = self.metas.day, expr.right.value
            held = {">=": day >= bound, "<": day < bound, ">": day > bound, "<=": day <= bound}.get(expr.op)
            if held is not None:
                settled = (int(held), int(held), 0)
                return lambda box, memo: settled
        scale = lcm(expr.left.scale, expr.right.scale)
        left, right = self._scaled(expr.left, scale), self._scaled(expr.right, scale)
        op = expr.op
        if op in (">", ">="):
            left, right, op = right, left, {">": "<", ">=": "<="}[op]
        if op in ("<", "<="):
            strict = op == "<"

            def less(box: Box, memo: Memo) -> Bounds:
                a, b = left(box, memo), right(box, memo)
                if (a[1] < b[0]) if strict else (a[1] <= b[0]):
                    return 1, 1, 0
                if (a[0] >= b[1]) if strict else (a[0] > b[1]):
                    return 0, 0, 0
                return 0, 1, a[2] | b[2]

            return less
        equal = op == "="

        def same(box: Box, memo: Memo) -> Bounds:
            a, b = left(box, memo), right(box, memo)
            if a[1] < b[0] or b[1] < a[0]:
                return (0, 0, 0) if equal else (1, 1, 0)
            if a[0] == a[1] == b[0] == b[1]:
                return (1, 1, 0) if equal else (0, 0, 0)
            return 0, 1, a[2] | b[2]

        return same

    def _member(self, expr: ex.Member) -> Eval:
        wanted = sum(1 << i for i in expr.among)
        assert isinstance(expr.item, Ref)
        slot = self.program.facts[expr.item.name].slot
        bit = 1 << slot

        def member(box: Box, memo: Memo) -> Bounds:
            possible = box[slot]
            within = possible & wanted
            if within == possible:
                return 1, 1, 0
            return (0, 1, bit) if within else (0, 0, 0)

        return member

    @staticmethod
    def _junction(items: list[Eval], decisive: int) -> Eval:
        def junction(box: Box, memo: Memo) -> Bounds:
            mask = 0
            for item in items:
                low, high, one = item(box, memo)
                if low == high:
                    if low == decisive:
                        return decisive, decisive, 0
                else:
                    mask |= one
            return (0, 1, mask) if mask else (1 - decisive, 1 - decisive, 0)

        return junction

    def _choose(self, expr: ex.Choose) -> Eval:
        condition = self.compile(expr.condition)
        then, other = self._scaled(expr.then, expr.scale), self._scaled(expr.other, expr.scale)

        def chosen(box: Box, memo: Memo) -> Bounds:
            low, high, mask = condition(box, memo)
            if low == high:
                return then(box, memo) if low else other(box, memo)
            a, b = then(box, memo), other(box, memo)
            return _settled(min(a[0], b[0]), max(a[1], b[1]), mask | a[2] | b[2])

        return chosen

    def _divided(self, expr: ex.Divided) -> Eval:
        left, right = self.compile(expr.left), self.compile(expr.right)
        up, down, to, mode = expr.right.scale, expr.left.scale * expr.to, expr.to, expr.mode

        def divided(box: Box, memo: Memo) -> Bounds:
            a, b = left(box, memo), right(box, memo)
            ends = [_round(x * up, y * down, mode) * to for x in a[:2] for y in b[:2] if y > 0]
            return _settled(min(ends), max(ends), a[2] | b[2])

        return divided

    def _authority(self, category: CategoryDef) -> tuple[list[tuple[int, Eval | None, Eval | None]], int] | None:
        definition = self.program.authorities.get(category.track)
        if definition is None:
            return None
        names = list(AUTHORITIES)
        rows = []
        for row in definition.rows:
            within = None
            if row.limit is not None and category.award_most is not None:
                within = self.compile(ex.Compare(ex.BOOLEAN, "<=", category.award_most, row.limit))
            when = self.compile(row.when) if row.when is not None else None
            rows.append((names.index(row.who), within, when))
        return rows, names.index(definition.refusal)

    # --- the decision over a box ---

    def possible(self, box: Box, memo: Memo) -> tuple[list[int], int]:
        """The categories that the case may fall in, and what that depends on."""
        found: list[int] = []
        mask = 0
        if self.program.choose == "best":
            return self._possible_best(box, memo)
        for index, applies in enumerate(self.applies):
            low, high, one = applies(box, memo)
            if high:
                found.append(index)
                mask |= one
            if low:
                return found, mask
        if not self.covered or not found:
            found.append(NO_CATEGORY)
        return found, mask if len(found) > 1 else 0

    def _covered(self) -> bool:
        """Whether the categories share out all values of one choice, so that one always applies."""
        seen: set[int] = set()
        facts = set()
        for category in self.program.categories:
            if not isinstance(category.applies, ex.Member) or not isinstance(category.applies.item, Ref):
                return False
            facts.add(category.applies.item.name)
            seen |= category.applies.among
        return len(facts) == 1 and len(seen) == len(self.program.facts[facts.pop()].type.values)

    def _possible_best(self, box: Box, memo: Memo) -> tuple[list[int], int]:
        worth: list[tuple[int, int, int, int]] = []
        for index, applies in enumerate(self.applies):
            low, high, mask = applies(box, memo)
            if not high:
                continue
            met = self.conditions[index](box, memo)
            end = self.ends[index][1]
            low_award, high_award, award_mask = end(box, memo) if end is not None else (0, 0, 0)
            award = (max(low_award, 0), max(high_award, 0), award_mask)
            best = award[1] if met[1] else -1
            least = (award[0] if met[0] else -1) if low else -2
            worth.append((index, least, best, mask | met[2] | award[2]))
        floor = max((w[1] for w in worth), default=-2)
        kept = [w for w in worth if w[2] >= floor]
        if len(kept) > 1 and all(w[1] == w[2] for w in kept):
            top = max(w[2] for w in kept)
            kept = [w for w in kept if w[2] == top][:1]
        if not any(w[1] > -2 for w in kept):
            return [w[0] for w in kept] + [NO_CATEGORY], sum_masks(w[3] for w in kept)
        mask = 0
        if len(kept) > 1:
            for w in kept:
                mask |= w[3]
        return [w[0] for w in kept], mask

    def outlook(self, box: Box, memo: Memo | None = None) -> Outlook:
        memo = {} if memo is None else memo
        categories, mask = self.possible(box, memo)
        total: Outlook | None = None
        for index in categories:
            one = self._outlook_in(index, box, memo) if index >= 0 else Outlook((1, 1), None, None, None, 0, [], 0)
            total = one if total is None else _join(total, one)
        assert total is not None
        total.categories = categories
        total.mask = 0 if total.certain else total.mask | mask
        return total

    def _outlook_in(self, index: int, box: Box, memo: Memo) -> Outlook:
        low = high = mask = 0
        met = self.conditions[index](box, memo)
        for _, ground, about_award in self.grounds[index]:
            if about_award and not met[1]:
                continue
            a, b, one = ground(box, memo)
            low, high, mask = low | a, high | b, mask | one
        low, high, mask = low | (1 - met[1]), high | (1 - met[0]), mask | met[2]
        authority = self.authority[index]
        if low:
            return Outlook((1, 1), None, None, None, 1 << authority[1] if authority else 0, [index], 0)
        least, most, tier = (e(box, memo) if e is not None else None for e in self.ends[index])
        deciders = 0
        if authority:
            for who, within, when in authority[0]:
                sure = 1
                for test in (within, when):
                    if test is not None:
                        a, b, one = test(box, memo)
                        mask |= one
                        sure = min(sure, a) if b else -1
                        if sure < 0:
                            break
                if sure >= 0:
                    deciders |= 1 << who
                if sure == 1:
                    break
            if high:
                deciders |= 1 << authority[1]
        for end in (least, most, tier):
            if end is not None and end[0] != end[1]:
                mask |= end[2]
        pairs = [e[:2] if e is not None else ABSENT for e in (least, most, tier)]
        return Outlook((0, high), pairs[0], pairs[1], pairs[2], deciders, [index], mask)

    # --- which facts could still matter ---

    def missing(self, box: Box, unknown: list[int]) -> tuple[list[int], tuple[Any, ...] | None]:
        """The unknown slots that could still change the outcome; with none, the outcome that is certain."""
        view = self.outlook(box)
        if view.certain:
            return [], view.outcome()
        relevant = [s for s in unknown if view.mask >> s & 1]
        found = self._witnesses(box, relevant)
        for slot in relevant:
            if slot not in found and self._matters(slot, box, unknown):
                found.add(slot)
        if found:
            return sorted(found), None
        return [], self.at(self._corner(box, unknown, 0))

    def at(self, point: Point) -> tuple[Any, ...]:
        """The outcome for a completion (slot values, as in a box but single)."""
        values: list[Any] = [None] * self.segment.slots
        for slot in self.limits:
            values[slot] = point[slot].bit_length() - 1 if slot in self.enum_slots else point[slot][0]
        v = values + [None] * self.segment.slots
        index = self.segment.category(v)
        if index < 0:
            return (True, None, None, None, None)
        return self.segment.outcome[index](v)

    def feasible(self, point: Point) -> bool:
        return all(self.compile(r.that)(point, {})[1] for r in self.program.constraints)

    def _choices(self, box: Box, slot: int) -> list[Any]:
        """Values worth trying for an unknown slot: the ends, small steps from them, and a ladder between."""
        if slot in self.enum_slots:
            return [1 << i for i in range(self.enum_slots[slot]) if box[slot] >> i & 1]
        low, high = box[slot]
        values = {low, high, min(high, low + 1), min(high, low + 2), max(low, high - 1), (low + high) // 2}
        if high - low > 100:
            step = 1
            while step < high - low:
                values.update(v for v in (low + step, low + 3 * step) if v <= high)
                step *= 10
        return [(v, v) for v in sorted(values)]

    def _corner(self, box: Box, unknown: list[int], which: int) -> Point:
        point = list(box)
        for slot in unknown:
            choices = self._choices(point, slot)
            point[slot] = choices[0] if which == 0 else choices[-1] if which == 1 else choices[len(choices) // 2]
            self.narrow(point)
        return point

    def _random_point(self, box: Box, unknown: list[int], rng: random.Random) -> Point:
        point = list(box)
        for slot in unknown:
            if slot in self.enum_slots or rng.random() < 0.7:
                point[slot] = rng.choice(self._choices(point, slot))
            else:
                value = rng.randint(*point[slot])
                point[slot] = (value, value)
            self.narrow(point)
        return point

    def _witnesses(self, box: Box, relevant: list[int]) -> set[int]:
        """Facts shown to matter by two completions that differ in them alone."""
        rng = random.Random(20180911)
        found: set[int] = set()
        everything = [s for s in self.limits if not self.single(box, s)]
        for attempt in range(24):
            point = self._corner(box, everything, attempt) if attempt < 3 else self._random_point(box, everything, rng)
            if not self.feasible(point):
                continue
            here = self.at(point)
            for slot in relevant:
                if slot in found:
                    continue
                wide = list(point)
                wide[slot] = box[slot]
                self.narrow(wide)
                if not self._mask_at(wide) >> slot & 1:
                    continue
                if self._varies(wide, slot, here):
                    found.add(slot)
            if len(found) == len(relevant):
                break
        return found

    def _mask_at(self, box: Box) -> int:
        view = self.outlook(box)
        return 0 if view.certain else view.mask

    def _varies(self, box: Box, slot: int, reference: tuple[Any, ...], budget: int = 90) -> bool:
        """Whether the outcome differs from ``reference`` anywhere along one fact, all else fixed."""
        for choice in self._choices(box, slot):
            point = list(box)
            point[slot] = choice
            if self.feasible(point) and self.at(point) != reference:
                return True
        if slot in self.enum_slots:
            return False
        stack = [box[slot]]
        while stack:
            low, high = stack.pop()
            one = list(box)
            one[slot] = (low, high)
            view = self.outlook(one)
            if view.certain:
                if view.outcome() != reference and self._some_feasible(one, slot):
                    return True
                continue
            if low == high:
                if self.feasible(one) and self.at(one) != reference:
                    return True
                continue
            budget -= 1
            if budget < 0:
                return True
            middle = (low + high) // 2
            stack += [(low, middle), (middle + 1, high)]
        return False

    def _some_feasible(self, box: Box, slot: int) -> bool:
        for value in {box[slot][0], box[slot][1]}:
            point = list(box)
            point[slot] = (value, value)
            if self.feasible(point):
                return True
        return False

    def _splits(self, box: Box, mask: int, avoid: int) -> Iterator[Box]:
        """Two halves of a box along the unknown (other than ``avoid``) that is widest for its range."""
        best, width = -1, 0.0
        for slot in self.limits:
            if slot == avoid or not mask >> slot & 1 or self.single(box, slot):
                continue
            if slot in self.enum_slots:
                share = 2.0 + box[slot].bit_count()
            else:
                low, high = box[slot]
                share = 1.5 if high - low == 1 and self.limits[slot][1] == 1 else (high - low).bit_length() / 50
            if share > width:
                best, width = slot, share
        if best < 0:
            return
        for half in self._halves(box, best):
            self.narrow(half)
            yield half

    def _halves(self, box: Box, slot: int) -> Iterator[Box]:
        if slot in self.enum_slots:
            first = box[slot] & -box[slot]
            parts: list[Any] = [first, box[slot] & ~first]
        else:
            low, high = box[slot]
            middle = (low + high) // 2
            if high > 64 * max(low, 1):  # a wide range of money: its small end first
                middle = max(low, int((max(low, 1) * high) ** 0.5))
            parts = [(low, middle), (middle + 1, high)]
        for part in parts:
            half = list(box)
            half[slot] = part
            yield half

    def _matters(self, slot: int, box: Box, unknown: list[int]) -> bool:
        """Split until it is proved that the fact cannot matter, or a witness is met."""
        stack, budget = [box], SPLITS
        while stack:
            one = stack.pop()
            mask = self._mask_at(one)
            if not mask >> slot & 1:
                continue
            others = [s for s in unknown if s != slot]
            for which in (0, 1, 2):
                point = self._corner(one, others, which)
                point[slot] = one[slot]
                self.narrow(point)
                if self._mask_at(point) >> slot & 1:
                    low = list(point)
                    low[slot] = self._choices(point, slot)[0]
                    if self.feasible(low) and self._varies(point, slot, self.at(low)):
                        return True
            budget -= 1
            if budget < 0:
                return True
            stack.extend(self._splits(one, mask, slot))
        return False

    # --- certainties beside the outcome ---

    def always(self, test: Eval, box: Box, unknown: list[int], value: int = 1, budget: int = 60) -> bool:
        """Whether a condition is ``value`` for every completion; says no when that cannot be shown."""
        stack = [box]
        while stack:
            one = stack.pop()
            low, high, mask = test(one, {})
            if low == high:
                if low != value:
                    return False
                continue
            budget -= 1
            if budget < 0:
                return False
            halves = list(self._splits(one, mask, -1))
            if not halves:
                return False
            stack.extend(halves)
        return True

    def reasons(self, box: Box, unknown: list[int], category: int) -> list[int]:
        """The grounds under which the case is certain to be refused (-1: the category's own condition)."""
        found = []
        condition = self.conditions[category]
        met = self.always(condition, box, unknown)
        for number, ground, about_award in self.grounds[category]:
            if (not about_award or met) and self.always(ground, box, unknown):
                found.append(number)
        if self.always(condition, box, unknown, 0):
            found.append(-1)
        return found

    def certain(self, expr: Expr, box: Box, unknown: list[int]) -> bool | None:
        """True or False where a condition is certain, else None."""
        test = self.compile(expr)
        low, high, _ = test(box, {})
        if low == high:
            return bool(low)
        return True if self.always(test, box, unknown) else False if self.always(test, box, unknown, 0) else None

    # --- the trace over a box ---

    def explain(self, expr: Expr, box: Box, memo: Memo, into: list[Node]) -> None:
        """As the compiled trace, with a pair (low, high) where a value is not certain."""
        if isinstance(expr, Const):
            return
        if isinstance(expr, Ref):
            into.append(self._node(expr, box, memo))
            return
        if isinstance(expr, (ex.All, ex.AnyOf)):
            decisive = 0 if isinstance(expr, ex.All) else 1
            views = [self.compile(i)(box, memo) for i in expr.items]
            for item, view in zip(expr.items, views, strict=True):
                if view[0] == view[1] == decisive:
                    self.explain(item, box, memo, into)
                    return
            open_ones = any(v[0] != v[1] for v in views)
            for item, view in zip(expr.items, views, strict=True):
                if not open_ones or view[0] != view[1]:
                    self.explain(item, box, memo, into)
            return
        if isinstance(expr, ex.Compare) and expr.left is self.program.standard_date and isinstance(expr.right, Const):
            return
        if isinstance(expr, ex.Choose):
            low, high, _ = self.compile(expr.condition)(box, memo)
            dated = isinstance(expr.condition, ex.Compare) and expr.condition.left is self.program.standard_date
            if not dated:
                self.explain(expr.condition, box, memo, into)
            if low == high:
                self.explain(expr.then if low else expr.other, box, memo, into)
            return
        if isinstance(expr, ex.Extreme):
            first, *others = expr.items
            self.explain(first, box, memo, into)
            mine = self._scaled(first, expr.scale)(box, memo)
            for other in others:
                view = self._scaled(other, expr.scale)(box, memo)
                never = mine[1] <= view[0] if expr.which == "least" else mine[0] >= view[1]
                if not never:
                    self.explain(other, box, memo, into)
            return
        if isinstance(expr, ex.Pick):
            self.explain(expr.row, box, memo, into)
            low, high, _ = self.compile(expr.row)(box, memo)
            if low == high:
                self.explain(expr.options[low], box, memo, into)
            return
        for part in expr.parts:
            self.explain(part, box, memo, into)

    def _node(self, ref: Ref, box: Box, memo: Memo) -> Node:
        if ref.source == "parameter":
            value = self.metas.value[ref.name]
            if value is not None:
                return (self.metas.parameter[ref.name], value, NOTHING)
            return (self.metas.parameter[ref.name], None, NOTHING)
        if ref.source == "fact":
            slot = self.program.facts[ref.name].slot
            meta = self.metas.fact[ref.name]
            if slot in self.enum_slots:
                bits = box[slot]
                return (meta, bits.bit_length() - 1 if not bits & (bits - 1) else None, NOTHING)
            low, high = box[slot]
            if low == high:
                return (meta, bool(low) if ref.type.kind == "boolean" else low, NOTHING)
            return (meta, None if (low, high) == self.limits[slot] else (low, high), NOTHING)
        quantity = self.program.quantities[ref.name]
        meta = self.metas.quantity[ref.name]
        if quantity.expr is None:
            return (meta, None, NOTHING)
        low, high, _ = self.compile(ref)(box, memo)
        boolean = quantity.type.kind == "boolean"
        value_: Any = (bool(low) if boolean else low) if low == high else None if boolean else (low, high)
        children: list[Node] = []
        if quantity.role == "row" and low == high:
            children.append((self.metas.rows[ref.name][low], True, NOTHING))
        if quantity.role in ("bands", "points"):
            for part in quantity.expr.refs():
                node = self._node(part, box, memo)
                if node[1]:
                    children.append(node)
        else:
            self.explain(quantity.expr, box, memo, children)
        if quantity.role == "row":
            unique = {id(k[0]): k for k in children}
            children = list(unique.values())
        return (meta, value_, children)


def sum_masks(masks: Iterator[int]) -> int:
    total = 0
    for mask in masks:
        total |= mask
    return total


def _settled(low: int, high: int, mask: int) -> Bounds:
    return (low, high, mask) if low != high else (low, high, 0)


def _round(value: int, divisor: int, mode: str) -> int:
    if mode == "half_up":
        return (2 * value + divisor) // (2 * divisor)
    return value // divisor if mode == "down" else -(-value // divisor)


def _hull(a: tuple[int, int] | None, b: tuple[int, int] | None) -> tuple[int, int] | None:
    if a is None or b is None:
        return a or b
    return (min(a[0], b[0]), max(a[1], b[1]))


def _join(a: Outlook, b: Outlook) -> Outlook:
    refused = (min(a.refused[0], b.refused[0]), max(a.refused[1], b.refused[1]))
    return Outlook(
        refused,
        _hull(a.least, b.least),
        _hull(a.most, b.most),
        _hull(a.tier, b.tier),
        a.authorities | b.authorities,
        a.categories + b.categories,
        a.mask | b.mask,
        a.mixed or b.mixed or bool(a.authorities) != bool(b.authorities),
    )
