"""The trace of a decision: a tree of only what presently decides, for a machine and for the family."""

from __future__ import annotations

import itertools
import json
import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jiuji.rulebook import Decision, Rulebook, load
from jiuji.rulebook.check import own_examples
from jiuji.rulebook.explain import dump, headline, reason_words, to_text, trace_json, trace_lines
from jiuji.rulebook.library import BOOKS, Library
from jiuji.rulebook.population import as_table, block

HAN = re.compile(r"[\u4e00-\u9fff]")

FIRE: dict[str, Any] = {
    "applied_on": "2026-03-02",
    "cause": "fire",
    "same_cause_within_12_months": False,
    "granted_last_12_months": 0,
    "household_size": 4,
    "deaths": 2,
    "serious_injuries": 0,
    "dwelling_uninhabitable": True,
}
MEDICAL: dict[str, Any] = {
    "applied_on": "2026-03-02",
    "cause": "medical_expense",
    "same_cause_within_12_months": False,
    "granted_last_12_months": 0,
    "household_size": 4,
    "recognised": "none",
    "annual_income_per_head": 23650,
    "financial_assets": 15200,
    "dwellings": 1,
    "vehicles": 0,
    "medical_bill": "78412.60",
    "basic_insurance": "31204.10",
    "critical_illness_insurance": "6208.50",
    "commercial_insurance": 0,
    "medical_aid": 3000,
}


@pytest.fixture(scope="module")
def county() -> Rulebook:
    return load("150199")


@pytest.fixture(scope="module")
def households(county: Rulebook) -> list[dict[str, Any]]:
    """Complete households of the synthetic population as cases."""
    rows = as_table(block(0, 1_500, 20260101)).to_pylist()
    cases = [{k: v for k, v in row.items() if k in county.program.facts} for row in rows]
    return [{k: f"{v}" if k in MONEY else v for k, v in case.items()} for case in cases]


MONEY = {"annual_income_per_head", "financial_assets", "expected_self_paid", "medical_bill", "basic_insurance"}
MONEY |= {"critical_illness_insurance", "commercial_insurance", "medical_aid", "education_net_expense"}
MONEY |= {"granted_last_12_months"}


def nodes(trace: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in trace:
        yield node
        yield from nodes(node.get("children", []))


def names(trace: list[dict[str, Any]]) -> set[str]:
    return {node["name"] for node in nodes(trace)}


def facts(trace: list[dict[str, Any]]) -> set[str]:
    return {node["name"] for node in nodes(trace) if node["kind"] == "fact"}


def below(decision: Decision, name: str) -> list[dict[str, Any]]:
    """The children of the first node of a name."""
    children: list[dict[str, Any]] = next(n for n in nodes(trace_json(decision)) if n["name"] == name)["children"]
    return children


# --- only what presently decides -------------------------------------------------------------------------


def test_of_conditions_that_must_all_hold_only_the_one_that_fails_is_named(county: Rulebook) -> None:
    decision = county.decide({**MEDICAL, "vehicles": 1})
    assert decision.reasons == ["2.2"]
    (ground, _) = trace_json(decision)
    assert ground["name"] == "ground:means" and ground["value"] is True
    assert facts([ground]) == {"recognised", "vehicles"}
    assert {"income_ok", "dwelling_limit", "asset_limit"} & names([ground]) == set()


def test_of_conditions_that_all_hold_each_is_named(county: Rulebook) -> None:
    assert facts(below(county.decide(MEDICAL), "property_ok")) == {
        "financial_assets",
        "household_size",
        "dwellings",
        "vehicles",
    }


def test_of_conditions_of_which_one_suffices_only_the_one_that_holds_is_named(county: Rulebook) -> None:
    assert facts(below(county.decide(FIRE), "casualties_or_loss")) == {"deaths"}
    assert facts(below(county.decide({**FIRE, "deaths": 0}), "casualties_or_loss")) == {"dwelling_uninhabitable"}


def test_of_conditions_of_which_none_holds_each_is_named(county: Rulebook) -> None:
    decision = county.decide({**FIRE, "deaths": 0, "dwelling_uninhabitable": False})
    assert decision.reasons == ["2.1.1"]
    assert facts(trace_json(decision)) == {"deaths", "serious_injuries", "dwelling_uninhabitable"}


def test_of_a_choice_only_the_condition_and_the_branch_taken_are_named(county: Rulebook) -> None:
    recognised = names(below(county.decide({**MEDICAL, "recognised": "dibao"}), "own_threshold"))
    assert recognised == {"is_recognised", "recognised", "medical_threshold_recognised"}
    other = names(below(county.decide(MEDICAL), "own_threshold"))
    assert other == {"is_recognised", "recognised", "medical_threshold"}


def test_a_limit_is_named_only_where_it_bites(county: Rulebook) -> None:
    free, bound = county.decide(FIRE), county.decide({**FIRE, "granted_last_12_months": 40000})
    assert (free.amount, bound.amount) == (2_064_000, 128_000)
    assert [n["name"] for n in below(free, "award:accident")] == ["amount:accident"]
    assert [n["name"] for n in below(bound, "award:accident")] == ["amount:accident", "room"]
    small, large = county.decide(FIRE), county.decide({**FIRE, "household_size": 8})
    assert [n["name"] for n in below(small, "counted_persons")] == ["household_size"]
    assert [n["name"] for n in below(large, "counted_persons")] == ["household_size", "persons_cap"]


def test_of_a_table_the_row_and_what_chose_it_are_named(county: Rulebook) -> None:
    row, *chosen_by = below(county.decide({**FIRE, "deaths": 1, "dwelling_uninhabitable": False}), "accident#row")
    assert row["label"] == {"zh": "第 3 行：死亡一人", "en": "row 3: one death"}
    assert facts(chosen_by) == {"deaths", "dwelling_uninhabitable"}


def test_of_bands_only_those_that_hold_money_are_named(county: Rulebook) -> None:
    low, high = county.decide({**MEDICAL, "medical_bill": 55412}), county.decide({**MEDICAL, "medical_bill": 150000})
    assert [(n["name"], n["value"]) for n in below(low, "medical_bands")] == [("medical_bands#1", "999.88")]
    assert [n["name"] for n in below(high, "medical_bands")] == [f"medical_bands#{i}" for i in (1, 2, 3)]


def test_of_grounds_for_refusal_only_those_that_hold_are_named(county: Rulebook) -> None:
    decision = county.decide({**MEDICAL, "vehicles": 1, "same_cause_within_12_months": True})
    told = [n["name"] for n in trace_json(decision)]
    assert told == ["ground:repeat", "ground:means", "authority"]
    assert [n["clause"] for n in trace_json(decision)][:2] == ["3.0", "2.2"]


def test_facts_of_other_categories_are_never_named(county: Rulebook, households: list[dict[str, Any]]) -> None:
    for case in households[:300]:
        if case["cause"] in ("fire", "drowning", "traffic_accident", "natural_disaster"):
            told = facts(trace_json(county.decide(case)))
            assert told <= {
                "deaths",
                "serious_injuries",
                "dwelling_uninhabitable",
                "household_size",
                "granted_last_12_months",
                "same_cause_within_12_months",
                "repeat_justified",
            }


def test_a_decision_stands_on_what_its_trace_names(county: Rulebook, households: list[dict[str, Any]]) -> None:
    """Whatever a fact that is not named becomes, the decision is the same.

    Aside stand the cause and the day, which choose the rules, and the two facts of the yearly ceiling, which is
    named only where it bites.
    """
    rng = random.Random(7)
    aside = {"cause", "applied_on", "granted_last_12_months", "household_size"}
    tried = {"granted": 0, "refused": 0}
    for case in households[:400]:
        decision = county.decide(case)
        other = {**rng.choice(households)}
        other["severely_disabled_members"] = min(other["severely_disabled_members"], case["household_size"])
        unnamed = sorted(set(case) - facts(trace_json(decision)) - aside)
        changed = county.decide({**case, **{k: other[k] for k in unnamed}})
        assert changed.result == decision.result, case
        assert (changed.amount, changed.tier, changed.authority) == (decision.amount, decision.tier, decision.authority)
        assert set(decision.reasons) - {"4.1"} <= set(changed.reasons)
        tried[decision.result] += 1
    assert min(tried.values()) > 100


# --- what a node says ------------------------------------------------------------------------------------


def test_each_fact_in_the_trace_is_the_cases_own(county: Rulebook, households: list[dict[str, Any]]) -> None:
    for case in households[:150]:
        for node in nodes(trace_json(county.decide(case))):
            if node["kind"] == "fact":
                stated = case[node["name"]]
                assert float(node["value"]) == float(stated) if node["name"] in MONEY else node["value"] == stated


def test_the_amount_of_the_trace_is_the_amount_granted(county: Rulebook, households: list[dict[str, Any]]) -> None:
    granted = [d for d in map(county.decide, households[:300]) if d.result == "granted"]
    assert len(granted) > 100
    for decision in granted:
        award, *_, authority = trace_json(decision)
        assert award["name"].startswith("award:") and award["unit"] == "yuan"
        assert float(award["value"]) == float(decision.to_json()["amount"])
        assert authority["value"] == decision.authority


def test_a_figure_in_the_trace_names_the_book_and_the_day_it_was_set(county: Rulebook) -> None:
    for day, figure, since in (("2024-06-01", "800", "2024-01-01"), ("2026-06-01", "860", "2026-01-01")):
        trace = trace_json(county.decide({**FIRE, "applied_on": day}))
        standard = next(n for n in nodes(trace) if n["name"] == "dibao_standard")
        assert standard["kind"] == "parameter" and standard["unit"] == "yuan/person/month"
        assert (standard["value"], standard["source"], standard["clause"]) == (figure, f"example-county {since}", "4.1")


def test_each_node_has_its_words_in_both_languages(county: Rulebook, households: list[dict[str, Any]]) -> None:
    for case in households[:100]:
        for node in nodes(trace_json(county.decide(case))):
            for words in (node["label"], node.get("formula", {"zh": "甲", "en": "A"})):
                assert HAN.search(words["zh"]) and words["en"] and not HAN.search(words["en"]), node["name"]
            assert node["kind"] in ("fact", "parameter", "quantity", "row", "ground", "authority")
            assert node["kind"] == "fact" or node["clause"]


def clauses_of(rulebook: Rulebook) -> set[str]:
    """Each clause that the documents of a rulebook register, as it is cited."""
    main = rulebook.program.effective.books[0].document
    found = set()
    for entry, origin in rulebook.program.effective.lists["document"]:
        known = entry["clauses"]
        if isinstance(known, str):
            text = (origin.source.path.parent / known).read_text(encoding="utf-8")
            known = [clause["id"] for clause in tomllib.loads(text)["clause"]]
        found |= {f"{entry['id']} §{clause}" for clause in known}
        found |= set(known) if entry["id"] == main else set()
    return found


@pytest.mark.parametrize("book", [b.id for b in Library().books.values()])
def test_every_clause_that_a_decision_names_exists(book: str) -> None:
    rulebook = load(book)
    known = clauses_of(rulebook)
    told: set[str] = set()
    for data, _ in own_examples(rulebook.program):
        if "error" in data["expect"]:
            continue
        decision = rulebook.decide(data["case"])
        told |= {node["clause"] for node in nodes(trace_json(decision)) if "clause" in node}
        told |= {step.clause for step in decision.steps} | set(decision.reasons)
        told |= {decision.category} if decision.category else set()
    assert told <= known
    assert told or not own_examples(rulebook.program)
    if book == "example-county":
        assert {"2.1.1", "2.2", "2.2.3", "2.2.6", "3.0", "3.1.2", "3.2.2", "4.1", "5.3"} <= told


def test_a_clause_of_another_document_is_cited_with_the_document() -> None:
    decision = load("example-small-fast-relief").decide(
        {
            "applied_on": "2026-03-02",
            "cause": "sudden_change",
            "living_in_grave_difficulty": True,
            "happened_here": True,
            "severity": 1,
        }
    )
    assert {node["clause"] for node in nodes(trace_json(decision)) if "clause" in node} == {"1", "2", "3", "4"}


# --- JSON ------------------------------------------------------------------------------------------------


def test_a_decision_goes_through_json_and_back_unchanged(county: Rulebook, households: list[dict[str, Any]]) -> None:
    for case in households[:100]:
        decision = county.decide(case)
        assert json.loads(dump(decision)) == decision.to_json()
    assert "医疗支出" in dump(county.decide(MEDICAL)), "Chinese stays readable in the file"


def test_no_amount_passes_through_floating_point(county: Rulebook) -> None:
    def each(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from each(item)
        else:
            yield value

    values = list(each(county.decide({**MEDICAL, "medical_bill": "78412.61"}).to_json()))
    assert not any(isinstance(value, float) for value in values)
    assert "78412.61" in values and "38000.01" in values


def test_the_same_case_gives_the_same_words_byte_by_byte(county: Rulebook) -> None:
    assert dump(county.decide(MEDICAL)) == dump(load("150199").decide(dict(reversed(MEDICAL.items()))))


# --- with facts missing ----------------------------------------------------------------------------------


def test_what_is_not_yet_known_is_named_without_a_value(county: Rulebook) -> None:
    decision = county.decide({k: v for k, v in MEDICAL.items() if k != "vehicles"})
    (vehicles,) = [n for n in nodes(trace_json(decision)) if n["name"] == "vehicles"]
    assert vehicles["value"] is None
    assert "车辆数  未知" in to_text(decision) and "Vehicles  not yet known" in to_text(decision, "en")


def test_a_figure_of_which_only_a_range_is_known_is_given_as_a_range(county: Rulebook) -> None:
    decision = county.decide({k: v for k, v in FIRE.items() if k != "deaths"})
    award = trace_json(decision)[0]
    assert award["value"] == ["13760", "20640"]
    assert re.search(r"救助金额.*13,760.* 至 20,640 元", to_text(decision))
    assert re.search(r"Award.*13,760.* to 20,640 yuan", to_text(decision, "en"))


def test_a_figure_that_no_level_has_set_is_told_apart_from_a_fact_not_known() -> None:
    decision = load("qingyang").decide(
        {"applied_on": "2023-06-01", "kind": "emergency", "basic_living_in_difficulty": True}
    )
    assert decision.gaps == ["dibao_standard", "township_limit"] and decision.missing == []
    assert "当地低保月标准 [1]  尚未规定" in to_text(decision)
    assert "Monthly dibao standard [1]  not yet set" in to_text(decision, "en")
    assert "当地低保月标准" in headline(decision) and "Monthly dibao standard" in headline(decision, "en")


# --- for the family --------------------------------------------------------------------------------------


def test_a_decision_is_read_in_chinese_and_in_english_line_by_line(county: Rulebook) -> None:
    decision = county.decide(MEDICAL)
    chinese, english = to_text(decision).splitlines(), to_text(decision, "en").splitlines()
    assert len(chinese) == len(english)
    assert [len(line) - len(line.lstrip()) for line in chinese] == [len(line) - len(line.lstrip()) for line in english]
    assert not any(HAN.search(line) for line in english)
    assert chinese[0] == "可予救助：6,400 元（2 档）" and english[0] == "Granted: 6,400 yuan (tier 2)"
    assert "    个人自负医疗费用 [2.2.3]  38,000 元" in "\n".join(chinese)
    assert "Medical bill − Paid by basic insurance − Paid by critical-illness insurance" in "\n".join(english)


def test_no_english_text_holds_a_chinese_word(county: Rulebook, households: list[dict[str, Any]]) -> None:
    for case in households[:150]:
        assert not HAN.search(to_text(county.decide(case), "en"))


def test_the_text_is_a_tree_and_unfolds_nothing_twice(county: Rulebook, households: list[dict[str, Any]]) -> None:
    for case in households[:150]:
        lines = trace_lines(county.decide(case))
        depths = [depth for depth, *_ in lines]
        assert depths[0] == 0
        assert all(after <= before + 1 for before, after in itertools.pairwise(depths))
        unfolded = [
            (label, value, clause)
            for (depth, label, value, clause, formula), after in zip(lines, [*depths[1:], 0], strict=True)
            if formula and after > depth
        ]
        assert len(unfolded) == len(set(unfolded)), "a computation is written out once"


def test_a_refusal_is_read_with_every_reason_and_its_clause(county: Rulebook) -> None:
    decision = county.decide({**MEDICAL, "same_cause_within_12_months": True, "vehicles": 1, "medical_bill": 45412})
    assert decision.reasons == ["2.2", "2.2.3", "3.0"]
    assert reason_words(decision) == [
        "家庭经济状况不符合条件（2.2）",
        "不符合“医疗支出”的条件（2.2.3）",
        "同一事由重复申请，无正当理由（3.0）",
    ]
    assert reason_words(decision, "en") == [
        "Means test not passed (2.2)",
        "the condition of 'Medical expense' is not met (2.2.3)",
        "Repeat application on the same cause without justification (3.0)",
    ]
    assert headline(decision) == "不予救助：" + "；".join(reason_words(decision))
    assert headline(decision, "en") == "Refused: " + "; ".join(reason_words(decision, "en"))


def test_a_hardship_that_no_category_covers_is_refused_under_the_clause_for_it(tmp_path: Path) -> None:
    path = tmp_path / "xining.toml"
    text = (BOOKS / "630100" / "xining.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('applies = "TRUE"', 'applies = "in_temporary_hardship"'), encoding="utf-8")
    decision = load(path).decide({"applied_on": "2025-05-01", "in_temporary_hardship": False})
    assert (decision.result, decision.reasons, decision.track) == ("refused", ["1"], None)
    assert decision.missing == [] and decision.steps == [] and trace_json(decision) == []
    assert headline(decision).startswith("不予救助：") and headline(decision).endswith("（1）")
