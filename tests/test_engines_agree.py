"""One case and the batch are one rulebook: equal on complete facts, never contradicting on missing ones."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jiuji.rulebook import load
from jiuji.rulebook.decision import Decision, yuan
from tests import engines, oracle, random_rulebook

SEEDS = st.integers(0, 2**31)
#: A seed does not shrink to anything simpler.
RANDOM = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def one(decision: Decision) -> dict[str, object]:
    least, most = decision.range or (None, None)
    return {
        "result": decision.result,
        "category": decision.category,
        "track": decision.track,
        "tier": decision.tier,
        "amount": yuan(decision.amount),
        "range_least": yuan(least),
        "range_most": yuan(most),
        "authority": decision.authority,
        "special_panel": decision.special_panel,
        "reasons": decision.reasons,
        "missing": decision.missing,
        "error": None,
    }


def hold_together(rulebook, dialect, complete, partial):
    cases = complete + partial
    found = engines.run(rulebook, dialect, cases)
    assert len(found) == len(cases)
    for case, row in zip(complete, found, strict=False):
        assert row == one(rulebook.decide(case)), case
    for case, row in zip(partial, found[len(complete) :], strict=True):
        decision = rulebook.decide(case)
        if row["result"] == "undetermined":
            if decision.result == "undetermined":
                assert set(decision.missing) <= set(row["missing"]), case
            continue
        mine = one(decision)
        for key in ("result", "amount", "range_least", "range_most", "tier", "authority"):
            assert row[key] == mine[key], (key, case)
        assert set(row["reasons"]) <= set(mine["reasons"]), case


@pytest.mark.parametrize(
    "dialect",
    ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres), pytest.param("spark", marks=pytest.mark.spark)],
)
def test_the_example_county_is_decided_alike_in_a_batch(dialect):
    engines.need(dialect)
    rulebook = load("150199")
    rng = random.Random(20260101)
    complete = [oracle.random_case(rng) for _ in range(400 if dialect != "spark" else 150)]
    partial = []
    for _ in range(200 if dialect != "spark" else 60):
        case = oracle.random_case(rng)
        partial.append({k: None if k != "applied_on" and rng.random() < 0.2 else v for k, v in case.items()})
    hold_together(rulebook, dialect, complete, partial)


def agree_on(seed, dialect, folder, complete=40, partial=30):
    maker, path = random_rulebook.write(seed, folder)
    rulebook = load(path)
    rng = random.Random(seed)
    hold_together(
        rulebook,
        dialect,
        [maker.case(rng) for _ in range(complete)],
        [maker.case(rng, rng.choice([0.1, 0.3, 0.6])) for _ in range(partial)],
    )


@settings(max_examples=60, **RANDOM)
@given(seed=SEEDS)
def test_random_rulebooks_are_decided_alike_on_duckdb(seed, tmp_path):
    agree_on(seed, "duckdb", tmp_path)


@pytest.mark.postgres
@settings(max_examples=30, **RANDOM)
@given(seed=SEEDS)
def test_random_rulebooks_are_decided_alike_on_postgresql(seed, tmp_path):
    engines.need("postgres")
    agree_on(seed, "postgres", tmp_path)


@pytest.mark.spark
@settings(max_examples=8, **RANDOM)
@given(seed=SEEDS)
def test_random_rulebooks_are_decided_alike_on_spark(seed, tmp_path):
    engines.need("spark")
    agree_on(seed, "spark", tmp_path, complete=20, partial=15)


@settings(max_examples=40, **RANDOM)
@given(seed=SEEDS)
def test_random_rulebooks_missing_facts_hold_for_random_completions(seed, tmp_path):
    """With facts missing, whatever is said holds for completions drawn at random; and each evaluator agrees."""
    maker, path = random_rulebook.write(seed, tmp_path)
    rulebook = load(path)
    rng = random.Random(seed)
    for _ in range(8):
        full = maker.case(rng)
        gone = [k for k in full if k != "applied_on" and rng.random() < 0.4]
        decision = rulebook.decide({**full, **dict.fromkeys(gone)})
        said = {k: one(decision)[k] for k in ("result", "amount", "range_least", "range_most", "tier", "authority")}
        for _ in range(12):
            other = maker.case(rng)
            complete = rulebook.decide({**full, **{k: other[k] for k in gone}})
            found = one(complete)
            if decision.result != "undetermined":
                assert {k: found[k] for k in said} == said
                assert set(decision.reasons) <= set(found["reasons"])
            if decision.special_panel is not None:
                assert found["special_panel"] == decision.special_panel
            # a fact that is not named as missing cannot change the outcome when it alone changes
            for name in gone:
                if name in decision.missing:
                    continue
                twin = rulebook.decide({**full, **{k: other[k] for k in gone}, name: maker.case(rng)[name]})
                same = one(twin)
                assert {k: same[k] for k in said} == {k: found[k] for k in said}, name
