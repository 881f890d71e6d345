"""The example standard as a zen-engine decision graph (JDM): decision tables, expressions and one switch.

The graph is what a user would draw: the dated parameters are a table, a switch on the cause leads to the category's
own expressions and tier table, the means test lies before the expenditure categories, then come award, authority
and result.

What was done for speed:

- the graph is loaded once into a static loader and asked for by key. `engine.evaluate` then takes a quarter of the
  time of `decision.evaluate` (`create_decision`), the first way in the documentation, which keeps a fixed cost of some
  150 µs a case even for an empty graph (it looks like a hand-over to another thread): see `one_by_decision`;
- one table gives a category's tier and amount, with tier 0 where its condition does not hold;
- nodes do not pass the facts on (`passThrough` is off); where one is needed it is read as `$nodes.facts.<name>`, so that
  the context and the trace of every node stay small;
- the switch comes early, so that a case meets only its own category;
- money is turned into numbers inside the graph and only where it is used (`number`), which is exact, as the engine
  computes in decimals.
"""

from __future__ import annotations

import json
from typing import Any

import zen

_BILL = (
    "medical_bill",
    "basic_insurance",
    "critical_illness_insurance",
    "commercial_insurance",
    "medical_aid",
)


def _fact(name: str) -> str:
    return f"$nodes.facts.{name}"


def _money(name: str) -> str:
    return f"number({_fact(name)})"


def _months(months: int, most_members: int) -> str:
    """So many months of S for the members who count."""
    return f"{months} * $nodes.versions.S * min([{_fact('household_size')}, {most_members}])"


_EDUCATION = (
    f"min([{_money('education_net_expense')}, 1000 * {_fact('students_preschool')}"
    f" + 2000 * {_fact('students_senior_high')} + 4000 * {_fact('students_college')}])"
)
_CARE = f"0.5 * $nodes.versions.S * min([{_fact('carers_unable_to_work')}, 2]) * min([{_fact('care_months')}, 6])"
_TEXT = "string(award) + '.00'"


def _expressions(name: str, passed_on: bool = False, **expressions: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "type": "expressionNode",
        "content": {
            "passThrough": passed_on,
            "expressions": [{"id": key, "key": key, "value": value} for key, value in expressions.items()],
        },
    }


def _table(
    name: str,
    inputs: list[str],
    outputs: list[str],
    rows: list[tuple[str, ...]],
    passed_on: bool = False,
) -> dict[str, Any]:
    """A decision table; the first row whose conditions hold gives the outputs, an empty cell always holds."""
    columns = [f"in{i}" for i in range(len(inputs))] + outputs
    return {
        "id": name,
        "name": name,
        "type": "decisionTableNode",
        "content": {
            "hitPolicy": "first",
            "passThrough": passed_on,
            "inputs": [{"id": f"in{i}", "name": field, "field": field} for i, field in enumerate(inputs)],
            "outputs": [{"id": key, "name": key, "field": key} for key in outputs],
            "rules": [{"_id": f"{name}{i}", **dict(zip(columns, row, strict=True))} for i, row in enumerate(rows)],
        },
    }


def _switch(name: str, statements: dict[str, str]) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "type": "switchNode",
        "content": {
            "hitPolicy": "first",
            "statements": [{"id": to, "condition": condition} for to, condition in statements.items()],
        },
    }


NODES = [
    {"id": "facts", "name": "facts", "type": "inputNode"},
    _table(
        "versions",
        ["date(applied_on)"],
        ["S", "L"],
        [
            ("< date('2025-01-01')", "800", "38130"),
            ("< date('2026-01-01')", "830", "40000"),
            ("", "860", "42000"),
        ],
    ),
    _switch(
        "track",
        {
            "accident": f"{_fact('cause')} in ['natural_disaster', 'fire', 'traffic_accident', 'drowning']",
            "illness": f"{_fact('cause')} in ['sudden_illness', 'severe_mental_illness']",
            "means": "",
        },
    ),
    _table(
        "accident",
        [
            _fact("deaths"),
            _fact("serious_injuries"),
            _fact("dwelling_uninhabitable"),
        ],
        ["category", "tier", "amount"],
        [
            (">= 2", "", "", "'2.1.1'", "1", _months(6, 5)),
            ("1", "", "true", "'2.1.1'", "1", _months(6, 5)),
            ("1", "", "", "'2.1.1'", "2", _months(4, 5)),
            ("", "", "true", "'2.1.1'", "2", _months(4, 5)),
            ("", ">= 2", "", "'2.1.1'", "2", _months(4, 5)),
            ("", "1", "", "'2.1.1'", "3", _months(2, 5)),
            ("", "", "", "'2.1.1'", "0", "0"),
        ],
    ),
    _table(
        "illness",
        [_fact("emergency_admission"), _money("expected_self_paid")],
        ["category", "tier", "amount"],
        [
            ("false", "", "'2.1.2'", "0", "0"),
            ("", ">= 50000", "'2.1.2'", "1", _months(6, 3)),
            ("", ">= 20000", "'2.1.2'", "2", _months(4, 3)),
            ("", "", "'2.1.2'", "3", _months(2, 3)),
        ],
    ),
    _expressions(
        "means",
        recognised=f"{_fact('recognised')} != 'none'",
        passed=(
            f"$.recognised or (({_fact('income_exception')} ?? false)"
            f" or {_money('annual_income_per_head')} < $nodes.versions.L)"
            f" and {_money('financial_assets')} <= 24 * $nodes.versions.S * {_fact('household_size')}"
            f" and {_fact('dwellings')} <= 1 and {_fact('vehicles')} == 0"
        ),
    ),
    _switch(
        "expenditure",
        {
            "own": f"{_fact('cause')} == 'medical_expense'",
            "education": f"{_fact('cause')} == 'education_expense'",
            "disability": f"{_fact('cause')} == 'disability_care'",
            "other": "",
        },
    ),
    _expressions(
        "own",
        expense=f"max([{' - '.join(_money(name) for name in _BILL)}, 0])",
    ),
    _table(
        "medical",
        ["$nodes.means.recognised", "expense"],
        ["category", "tier", "amount"],
        [
            ("true", "> 60000", "'2.2.3'", "1", "21000 + (expense - 60000) * 0.5"),
            ("true", "> 30000", "'2.2.3'", "2", "9000 + (expense - 30000) * 0.4"),
            ("true", "> 0", "'2.2.3'", "3", "expense * 0.3"),
            ("false", "> 60000", "'2.2.3'", "1", "13000 + (expense - 60000) * 0.4"),
            ("false", "> 30000", "'2.2.3'", "2", "4000 + (expense - 30000) * 0.3"),
            ("false", "> 10000", "'2.2.3'", "3", "(expense - 10000) * 0.2"),
            ("", "", "'2.2.3'", "0", "0"),
        ],
    ),
    _table(
        "education",
        [
            _money("education_net_expense"),
            _fact("students_college"),
            _fact("students_senior_high"),
            _fact("students_preschool"),
        ],
        ["category", "tier", "amount"],
        [
            ("<= 0", "", "", "", "'2.2.4'", "0", "0"),
            ("", ">= 1", "", "", "'2.2.4'", "1", _EDUCATION),
            ("", "", ">= 1", "", "'2.2.4'", "2", _EDUCATION),
            ("", "", "", ">= 1", "'2.2.4'", "3", _EDUCATION),
            ("", "", "", "", "'2.2.4'", "0", "0"),
        ],
    ),
    _table(
        "disability",
        [_fact("carers_unable_to_work"), _fact("severely_disabled_members")],
        ["category", "tier", "amount"],
        [
            ("< 1", "", "'2.2.5'", "0", "0"),
            ("", "< 1", "'2.2.5'", "0", "0"),
            ("", ">= 2", "'2.2.5'", "1", _CARE),
            ("", "", "'2.2.5'", "2", _CARE),
        ],
    ),
    _table(
        "other",
        [f"{_fact('county_situation')} ?? 'none'"],
        ["category", "tier", "amount"],
        [
            ("'none'", "'2.2.6'", "0", "0"),
            ("", "'2.2.6'", "1", _months(3, 3)),
        ],
    ),
    _expressions(
        "award",
        category="category",
        category_tier="tier",
        track="category in ['2.1.1', '2.1.2'] ? 'emergency' : 'expenditure'",
        repeated=(f"{_fact('same_cause_within_12_months')} and not ({_fact('repeat_justified')} ?? false)"),
        means_failed="($nodes.means.passed ?? true) == false",
        room=(f"floor(max([{_months(12, 5)} - {_money('granted_last_12_months')}, 0]))"),
        award="min([floor(amount + 0.5), $.room])",
        reasons=(
            "filter([$.means_failed ? '2.2' : null, tier == 0 ? category : null, $.repeated ? '3.0' : null,"
            " tier > 0 and $.award < 300 ? '4.1' : null], # != null)"
        ),
        special_panel=(
            "category == '2.2.3' and $nodes.own.expense > 100000"
            f" and $nodes.own.expense > 3 * {_money('annual_income_per_head')} * {_fact('household_size')}"
            " and not $.means_failed and not $.repeated"
        ),
    ),
    _table(
        "decision",
        ["len(reasons)", "track", "award"],
        ["result", "authority", "tier", "amount"],
        [
            ("> 0", "'emergency'", "", "'refused'", "'township'", "null", "null"),
            ("> 0", "", "", "'refused'", "'county'", "null", "null"),
            ("", "'emergency'", "> 5000", "'granted'", "'county'", "category_tier", _TEXT),
            ("", "'emergency'", "", "'granted'", "'township'", "category_tier", _TEXT),
            ("", "", "> 3000", "'granted'", "'county'", "category_tier", _TEXT),
            ("", "", "", "'granted'", "'township'", "category_tier", _TEXT),
        ],
        passed_on=True,
    ),
    {"id": "out", "name": "out", "type": "outputNode"},
]
EDGES = [
    ("facts", "versions"),
    ("versions", "track"),
    ("track", "accident", "accident"),
    ("track", "illness", "illness"),
    ("track", "means", "means"),
    ("means", "expenditure"),
    ("expenditure", "own", "own"),
    ("expenditure", "education", "education"),
    ("expenditure", "disability", "disability"),
    ("expenditure", "other", "other"),
    ("own", "medical"),
    ("accident", "award"),
    ("illness", "award"),
    ("medical", "award"),
    ("education", "award"),
    ("disability", "award"),
    ("other", "award"),
    ("award", "decision"),
    ("decision", "out"),
]
GRAPH = {
    "contentType": "application/vnd.gorules.decision",
    "nodes": NODES,
    "edges": [
        {
            "id": f"{source}-{target}",
            "type": "edge",
            "sourceId": source,
            "targetId": target,
        }
        | ({"sourceHandle": handle[0]} if handle else {})
        for source, target, *handle in EDGES
    ],
}
OUTPUTS = (
    "result",
    "category",
    "track",
    "tier",
    "amount",
    "authority",
    "special_panel",
    "reasons",
)

_KEY = "150199"
_ENGINE = zen.ZenEngine({"loader": {"type": "static", "content": {_KEY: GRAPH}}})
_DECISION = zen.ZenEngine().create_decision(json.dumps(GRAPH))


def one(case: dict[str, Any], trace: bool = True) -> dict[str, Any]:
    """Decide one case; with `trace` the engine's whole trace, as Python objects, is under the key `trace`."""
    return _answer(case, _ENGINE.evaluate(_KEY, case, {"trace": trace}))


def one_by_decision(case: dict[str, Any], trace: bool = True) -> dict[str, Any]:
    """The same by the documentation's first way, several times slower."""
    return _answer(case, _DECISION.evaluate(case, {"trace": trace}))


def _answer(case: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    if case["applied_on"] < "2024-01-01":
        raise ValueError("示例旗 has no standard before 2024-01-01")
    decided = response["result"]
    decision = {name: decided.get(name) for name in OUTPUTS}  # a table drops nulls
    if "trace" in response:
        decision["trace"] = response["trace"]
    return decision
