"""``missing`` names exactly the facts that could still matter: judged by a theorem prover.

The rulebook's outcome is translated to formulas of whole-number arithmetic. For each unknown fact the prover is asked
for two completions that differ in this fact only and are decided differently. It must find a pair for every fact that
is named as missing, and must show that there is none for every other.
"""

from __future__ import annotations

import functools
import random
from math import lcm
from typing import Any

import pytest
import z3

from jiuji.rulebook import expression as ex
from jiuji.rulebook import load
from jiuji.rulebook.decision import Rulebook
from jiuji.rulebook.expression import Expr
from tests import oracle


class Translation:
    """One rulebook on one day, over variables for the unknown facts."""

    def __init__(self, rulebook: Rulebook, facts: list[Any]) -> None:
        self.program = rulebook.program
        self.facts = facts
        self.day = facts[self.program.facts["applied_on"].slot]
        self.unknown = [f for f in self.program.facts.values() if facts[f.slot] is None]

    def variables(self, mark: str) -> dict[str, Any]:
        return {f.name: z3.Int(f"{f.name}{mark}") for f in self.unknown}

    def ranges(self, variables: dict[str, Any]) -> list[Any]:
        limits = [z3.And(v >= self.program.facts[n].low, v <= self.program.facts[n].high) for n, v in variables.items()]
        return limits + [self.say(r.that, variables, {}) for r in self.program.constraints]

    def scaled(self, expr: Expr, scale: int, v: dict[str, Any], memo: dict[str, Any]) -> Any:
        return self.say(expr, v, memo) * (scale // expr.scale)

    def say(self, expr: Expr, v: dict[str, Any], memo: dict[str, Any]) -> Any:
        if isinstance(expr, ex.Const):
            return z3.BoolVal(bool(expr.value)) if expr.type.kind == "boolean" else z3.IntVal(expr.value)
        if isinstance(expr, ex.Ref):
            return self.ref(expr, v, memo)
        say = functools.partial(self.say, v=v, memo=memo)
        scaled = functools.partial(self.scaled, v=v, memo=memo)
        if isinstance(expr, ex.Arith):
            if expr.op == "*":
                return say(expr.left) * say(expr.right)
            left, right = scaled(expr.left, expr.scale), scaled(expr.right, expr.scale)
            return left + right if expr.op == "+" else left - right
        if isinstance(expr, ex.Compare):
            scale = lcm(expr.left.scale, expr.right.scale)
            a, b = scaled(expr.left, scale), scaled(expr.right, scale)
            return {"=": a == b, "<>": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[expr.op]
        if isinstance(expr, ex.Member):
            return z3.Or([say(expr.item) == i for i in sorted(expr.among)])
        if isinstance(expr, ex.All):
            return z3.And([say(i) for i in expr.items])
        if isinstance(expr, ex.AnyOf):
            return z3.Or([say(i) for i in expr.items])
        if isinstance(expr, ex.Not):
            return z3.Not(say(expr.item))
        if isinstance(expr, ex.Choose):
            return z3.If(say(expr.condition), scaled(expr.then, expr.scale), scaled(expr.other, expr.scale))
        if isinstance(expr, ex.Extreme):
            items = [scaled(i, expr.scale) for i in expr.items]
            found = items[0]
            for item in items[1:]:
                found = z3.If(item < found if expr.which == "least" else item > found, item, found)
            return found
        if isinstance(expr, ex.Rounded):
            divisor = expr.item.scale * expr.to
            if expr.mode == "half_up":
                return (2 * say(expr.item) + divisor) / (2 * divisor) * expr.to
            assert expr.mode == "down"
            return say(expr.item) / divisor * expr.to
        if isinstance(expr, ex.Pick):
            row = say(expr.row)
            options = [scaled(o, expr.scale) for o in expr.options]
            found = options[-1]
            for index in range(len(options) - 2, -1, -1):
                found = z3.If(row == index, options[index], found)
            return found
        raise TypeError(type(expr))

    def ref(self, expr: ex.Ref, v: dict[str, Any], memo: dict[str, Any]) -> Any:
        if expr.source == "parameter":
            dated = self.program.parameters[expr.name].at(self.day)
            assert dated is not None
            return z3.IntVal(dated.value)
        if expr.source == "fact":
            fact = self.program.facts[expr.name]
            value = v[expr.name] if expr.name in v else z3.IntVal(int(self.facts[fact.slot]))
            return value > 0 if fact.type.kind == "boolean" else value
        if expr.name not in memo:
            inner = self.program.quantities[expr.name].expr
            assert inner is not None
            memo[expr.name] = self.say(inner, v, memo)
        return memo[expr.name]

    def outcome(self, v: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        """(refused, amount, tier, authority) as formulas; amount and tier are -1 for a refusal."""
        memo: dict[str, Any] = {}
        say = functools.partial(self.say, v=v, memo=memo)
        refused, amount, tier, authority = z3.BoolVal(True), z3.IntVal(-1), z3.IntVal(-1), z3.IntVal(-1)
        for category in reversed(self.program.categories):
            assert category.award_most is not None and category.tier is not None
            no = [
                say(g.when[category.key]) for g in self.program.grounds if category.key in g.when and g.about != "award"
            ]
            met, award = say(category.condition), say(category.award_most)
            no += [
                z3.And(met, say(g.when[category.key]))
                for g in self.program.grounds
                if category.key in g.when and g.about == "award"
            ]
            here = z3.Or([*no, z3.Not(met)])
            rule = self.program.authorities[category.track]
            names = ["township", "county"]
            assert rule.rows[0].limit is not None
            who = z3.If(award <= say(rule.rows[0].limit), names.index(rule.rows[0].who), names.index(rule.rows[1].who))
            applies = say(category.applies)
            refused = z3.If(applies, here, refused)
            amount = z3.If(applies, z3.If(here, -1, award), amount)
            tier = z3.If(applies, z3.If(here, -1, say(category.tier)), tier)
            authority = z3.If(applies, z3.If(here, names.index(rule.refusal), who), authority)
        return refused, amount, tier, authority

    def matters(self, name: str) -> bool | None:
        """Whether two completions that differ in one fact only are decided differently; None when not known in time."""
        first = self.variables("")
        second = {**first, name: z3.Int(f"{name}_other")}
        solver = z3.Solver()
        solver.set("timeout", 8000)
        solver.add(*self.ranges(first), *self.ranges(second))
        solver.add(z3.Or([a != b for a, b in zip(self.outcome(first), self.outcome(second), strict=True)]))
        answer = solver.check()
        return None if answer == z3.unknown else answer == z3.sat


@pytest.mark.parametrize("cause", oracle.CAUSES)
def test_the_prover_finds_the_same_facts_missing(cause):
    rulebook = load("150199")
    rng = random.Random(cause + "prover")
    proved = 0
    for _ in range(5):
        case = {**oracle.random_case(rng, cause), "applied_on": "2026-03-02"}
        gone = rng.sample([k for k in case if k not in ("applied_on", "cause")], rng.randint(2, 7))
        facts = rulebook.reader.read({**case, **dict.fromkeys(gone)})
        decision = rulebook.decide_facts(facts)
        translation = Translation(rulebook, facts)
        for name in gone:
            answer = translation.matters(name)
            if answer is not None:
                proved += 1
                assert answer == (name in decision.missing), (name, decision.missing, case, gone)
    assert proved >= 10
