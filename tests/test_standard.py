"""The example county's rulebook against the standard written down by hand, with facts complete and missing."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiuji.rulebook import load
from jiuji.rulebook.decision import yuan
from tests import oracle

KEYS = ("result", "category", "track", "tier", "authority", "special_panel", "reasons")


@pytest.fixture(scope="module")
def county():
    return load("150199")


def outputs(decision: Any) -> dict[str, Any]:
    return {**{k: getattr(decision, k) for k in KEYS}, "amount": yuan(decision.amount)}


@pytest.mark.parametrize("cause", oracle.CAUSES)
def test_every_complete_case_is_decided_as_the_standard_says(county, cause):
    rng = random.Random(cause)
    for _ in range(600):
        case = oracle.random_case(rng, cause)
        assert outputs(county.decide(case)) == oracle.decide(case), case


@pytest.mark.parametrize("cause", oracle.CAUSES)
def test_ranges_decide_complete_cases_as_the_compiled_rules_do(county, cause):
    """The two evaluators are one rulebook: with nothing missing they agree, down to the trace."""
    from jiuji.rulebook.explain import trace_json

    rng = random.Random(cause + "ranges")
    for _ in range(60):
        case = oracle.random_case(rng, cause)
        facts = county.reader.read(case)
        fast = county.decide_facts(facts)
        slow = county._over_ranges(facts, county._segment_of(facts))
        assert outputs(fast) == outputs(slow)
        assert trace_json(fast) == trace_json(slow)


#: Small worlds in which every completion can be tried: a few values for each fact, hitting each line.
WORLD: dict[str, list[Any]] = {
    "household_size": [1, 4, 6],
    "recognised": ["none", "dibao"],
    "annual_income_per_head": ["41999.99", "42000", "100"],
    "financial_assets": ["0", "20640", "500000"],
    "dwellings": [1, 2],
    "vehicles": [0, 1],
    "deaths": [0, 1, 2],
    "serious_injuries": [0, 1, 2],
    "dwelling_uninhabitable": [False, True],
    "emergency_admission": [False, True],
    "expected_self_paid": ["0", "20000", "50000"],
    "medical_bill": ["0", "10000", "10000.01", "30000.01", "60000.01"],
    "basic_insurance": ["0", "30000"],
    "medical_aid": ["0", "5000"],
    "students_preschool": [0, 1],
    "students_senior_high": [0, 1],
    "students_college": [0, 1],
    "education_net_expense": ["0", "299", "2500"],
    "severely_disabled_members": [0, 1, 2],
    "carers_unable_to_work": [0, 1, 2],
    "care_months": [0, 3, 6],
    "granted_last_12_months": ["0", "51600"],
    "same_cause_within_12_months": [False, True],
}


def completions(case: dict[str, Any], missing: list[str]):
    if not missing:
        yield case
        return
    name, *rest = missing
    for value in WORLD[name]:
        if name == "severely_disabled_members" and value > case.get("household_size", 100):
            continue
        if name == "household_size" and value < case.get("severely_disabled_members", 0):
            continue
        yield from completions({**case, name: value}, rest)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 4))
def test_what_is_said_with_facts_missing_holds_for_every_completion(seed, count):
    county = load("150199") if not hasattr(oracle, "_county") else oracle._county
    oracle._county = county
    rng = random.Random(seed)
    case = {**oracle.random_case(rng), "applied_on": "2026-03-02"}
    missing = rng.sample(sorted(WORLD), count)
    partial = {k: v for k, v in case.items() if k not in missing}
    decision = county.decide(partial)
    outcomes = {}
    for complete in completions(partial, missing):
        found = oracle.decide(complete)
        outcomes[tuple(str(complete[m]) for m in missing)] = tuple(
            found[k] for k in ("result", "amount", "tier", "authority")
        )
        if decision.result == "refused":
            assert set(decision.reasons) <= set(found["reasons"])
        if decision.special_panel is not None:
            assert decision.special_panel == found["special_panel"]
    if decision.result != "undetermined":
        mine = (decision.result, yuan(decision.amount), decision.tier, decision.authority)
        assert set(outcomes.values()) == {mine}
        assert decision.missing == []
    else:
        assert decision.missing
        assert set(decision.missing) <= set(missing)
    # each fact for which two completions differ in it alone must be named as missing
    for index, name in enumerate(missing):
        groups: dict[tuple[str, ...], set[Any]] = {}
        for values, outcome in outcomes.items():
            groups.setdefault(values[:index] + values[index + 1 :], set()).add(outcome)
        if any(len(g) > 1 for g in groups.values()):
            assert name in decision.missing


def test_a_missing_fact_is_named_only_if_some_completion_shows_that_it_matters(county):
    """Every fact named as missing has a witness: two completions that differ in it alone, decided differently."""
    rng = random.Random(7)
    for _ in range(60):
        case = {**oracle.random_case(rng), "applied_on": "2026-03-02"}
        gone = rng.sample([k for k in case if k not in ("applied_on", "cause")], rng.randint(1, 8))
        partial = {k: v for k, v in case.items() if k not in gone}
        decision = county.decide(partial)
        reasoner = county.reasoner(county._segment_of(decision.facts))
        box, unknown = reasoner.box(decision.facts)
        for name in decision.missing:
            slot = county.program.facts[name].slot
            assert slot in reasoner._witnesses(box, [slot]) or reasoner._matters(slot, box, unknown)
