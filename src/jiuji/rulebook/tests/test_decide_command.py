"""``jiuji decide``: one case in, one decision out; what cannot be a case is refused with its key and what to do."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jiuji.cli import cli

KEYS = ["result", "category", "track", "tier", "amount", "authority", "special_panel"]
KEYS += ["reasons", "missing", "steps", "trace"]

FIRE: dict[str, Any] = {
    "applied_on": "2026-03-02",
    "cause": "fire",
    "same_cause_within_12_months": False,
    "granted_last_12_months": 0,
    "household_size": 4,
    "deaths": 2,
    "serious_injuries": 0,
    "dwelling_uninhabitable": False,
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


def run(case: dict[str, Any] | str | bytes, *options: str, rulebook: str = "150199") -> Result:
    text = json.dumps(case) if isinstance(case, dict) else case
    return CliRunner().invoke(cli, ["decide", "-", "--rulebook", rulebook, *options], input=text)


def decided(case: dict[str, Any], *options: str, rulebook: str = "150199") -> dict[str, Any]:
    result = run(case, "--json", *options, rulebook=rulebook)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1, "a decision is one line"
    decision: dict[str, Any] = json.loads(result.stdout)
    return decision


def refused(result: Result, chinese: str, english: str) -> None:
    """Exit code 2, nothing on standard output, and on standard error a Chinese and an English line.

    Each says all that stands between the marks `` | ``: what is wrong, with its key, and what to do.
    """
    assert result.exit_code == 2, result.exception
    assert result.stdout == ""
    for line, wanted in zip(result.stderr.splitlines(), (chinese, english), strict=True):
        for said in wanted.split(" | "):
            assert said in line


# --- what a decision says --------------------------------------------------------------------------------


def test_a_grant_says_amount_tier_authority_steps_and_why() -> None:
    decision = decided(MEDICAL)
    assert list(decision) == KEYS
    steps, trace = decision.pop("steps"), decision.pop("trace")
    assert decision == {
        "result": "granted",
        "category": "2.2.3",
        "track": "expenditure",
        "tier": 2,
        "amount": "6400.00",
        "authority": "county",
        "special_panel": False,
        "reasons": [],
        "missing": [],
    }
    assert [s["step"] for s in steps][:2] == ["acceptance", "information_check"]
    assert (trace[0]["value"], trace[0]["unit"]) == ("6400", "yuan")


def test_a_refusal_names_its_clauses_in_the_order_of_the_document_and_no_amount() -> None:
    case = {**MEDICAL, "same_cause_within_12_months": True, "vehicles": 1, "medical_bill": 45412}
    decision = decided(case)
    assert list(decision) == KEYS
    assert decision["result"] == "refused"
    assert decision["reasons"] == ["2.2", "2.2.3", "3.0"]
    assert decision["amount"] is None and decision["tier"] is None
    assert (decision["category"], decision["authority"]) == ("2.2.3", "county")


def test_an_uncertain_case_names_what_is_still_to_be_asked_and_promises_nothing() -> None:
    decision = decided({k: v for k, v in MEDICAL.items() if k != "vehicles"})
    assert list(decision) == KEYS
    assert (decision["result"], decision["missing"]) == ("undetermined", ["vehicles"])
    assert decision["amount"] is None and decision["tier"] is None and decision["reasons"] == []
    assert decision["authority"] == "county", "6,400 yuan and a refusal are both the county's"


def test_an_amount_is_a_decimal_string_to_the_fen() -> None:
    paid = decided({**FIRE, "granted_last_12_months": "40000.50"})
    assert paid["amount"] == "1279.00" and isinstance(paid["amount"], str)


def test_a_part_of_the_policy_that_no_level_has_set_is_named_and_not_guessed() -> None:
    case = {"applied_on": "2023-06-01", "kind": "emergency", "basic_living_in_difficulty": True}
    decision = decided(case, rulebook="341723")
    assert list(decision) == [*KEYS, "gaps"]
    assert (decision["result"], decision["missing"]) == ("undetermined", [])
    assert decision["gaps"] == ["dibao_standard", "township_limit"]


DISTRICT = """
[rulebook]
id = "district"
division = "630102"
level = "county"
extends = "xining"
title = { zh = "某区标准", en = "A district's standard" }
document = "xining"
from = 2020-01-01

[parameter.township_limit]
values = [{ from = 2020-01-01, value = 3000, source = "xining §1" }]
"""


def test_an_amount_at_the_officers_discretion_is_a_range_and_no_figure(tmp_path: Path) -> None:
    book = tmp_path / "district.toml"
    book.write_text(DISTRICT, encoding="utf-8")
    case = {"applied_on": "2025-05-01", "in_temporary_hardship": True, "grants_this_year": 1}
    decision = decided({**case, "granted_this_year": "500.50"}, rulebook=str(book))
    assert list(decision) == [*KEYS, "range"]
    assert (decision["result"], decision["amount"], decision["range"]) == ("granted", None, ["300.00", "2499.00"])
    fixed = decided({**case, "granted_this_year": 2700}, rulebook=str(book))
    assert list(fixed) == KEYS
    assert fixed["amount"] == "300.00", "where both ends meet there is one figure"


def test_each_step_has_its_clause_its_limit_and_the_day_it_is_due() -> None:
    steps = {s["step"]: s for s in decided({**MEDICAL, "applied_on": "2026-02-12"})["steps"]}
    # Spring Festival 2026: free from 15 to 23 February, Saturdays 14 and 28 are worked.
    assert steps["acceptance"]["due"] == "2026-02-13"
    assert steps["acceptance"]["limit"] == {"working_days": 1}
    assert steps["information_check"]["due"] == "2026-02-27"
    assert steps["household_visit"]["officers"] == 2
    assert steps["neighbour_visit"]["note"] == {"zh": "至少走访 2 户邻居", "en": "at least 2 neighbours"}
    assert all(s["clause"] and s["label"]["zh"] and s["label"]["en"] for s in steps.values())


def test_what_may_wait_until_the_emergency_is_over_has_no_day_yet() -> None:
    steps = {s["step"]: s for s in decided(FIRE)["steps"]}
    assert steps["report"]["due"] == "2026-03-02"
    assert steps["help_given"]["due"] == "2026-03-03"
    assert steps["household_visit"]["due"] is None
    assert steps["public_notice"]["waivable"] is True and steps["public_notice"]["owed"]["en"]


def test_a_household_with_unlikely_figures_is_decided_and_the_doubt_told_apart() -> None:
    result = run({**MEDICAL, "medical_aid": 90000}, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["result"] == "refused"
    assert result.stderr == (
        "请核对：四项报销和救助之和大于医疗总费用，请核对票据\n"
        "Please check: The four deductions come to more than the bill: check the papers\n"
    )


# --- where the case comes from ---------------------------------------------------------------------------


def test_a_case_is_read_from_a_file_as_from_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "案件.json"
    path.write_text(json.dumps(FIRE), encoding="utf-8-sig")
    result = CliRunner().invoke(cli, ["decide", str(path), "--rulebook", "150199", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == decided(FIRE)


@pytest.mark.parametrize("options", [[], ["--lines"]])
def test_a_file_that_is_not_there_is_refused_with_its_path(tmp_path: Path, options: list[str]) -> None:
    path = tmp_path / "nothing.json"
    result = CliRunner().invoke(cli, ["decide", str(path), "--rulebook", "150199", *options])
    refused(result, f"无法读取 {path} | 请核对路径", f"{path} cannot be read | Check the path")


def test_the_day_of_application_may_be_given_beside_the_case() -> None:
    case = {k: v for k, v in FIRE.items() if k != "applied_on"}
    assert decided(case, "--on", "2024-12-31")["amount"] == "19200.00"
    assert decided(case, "--on", "2025-01-01")["amount"] == "19920.00"
    assert decided({**case, "applied_on": None}, "--on", "2025-01-01")["amount"] == "19920.00"


def test_the_day_that_the_case_states_counts_before_the_one_beside_it() -> None:
    assert decided(FIRE, "--on", "2024-12-31")["amount"] == "20640.00"


def test_a_case_without_any_day_is_of_today() -> None:
    case = {k: v for k, v in FIRE.items() if k != "applied_on"}
    before = dt.date.today()
    decision = decided(case)
    due = next(s["due"] for s in decision["steps"] if s["step"] == "report")
    assert before.isoformat() <= due <= dt.date.today().isoformat()


def test_a_rulebook_is_named_by_division_by_programme_by_id_or_by_path() -> None:
    case = {
        "applied_on": "2026-03-02",
        "cause": "sudden_change",
        "living_in_grave_difficulty": True,
        "happened_here": True,
        "severity": 2,
    }
    path = Path(__file__).parents[1] / "books" / "150199" / "small-fast-relief.toml"
    for name in ("example-small-fast-relief", "150199:small-fast-relief", str(path)):
        assert decided(case, rulebook=name)["amount"] == "602.00"
    assert decided(FIRE, rulebook="example-county") == decided(FIRE, rulebook="150199")


# --- many cases ------------------------------------------------------------------------------------------


def test_with_lines_each_case_gives_one_result_in_order() -> None:
    cases = [FIRE, MEDICAL, {**FIRE, "deaths": 0}, {"cause": "fire"}]
    text = "\n\n".join(json.dumps(c) for c in cases) + "\n"
    result = run(text, "--lines", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    decisions = [json.loads(line) for line in result.stdout.splitlines()]
    assert decisions == [decided(c) for c in cases]


def test_with_lines_and_without_json_each_case_gives_one_sentence() -> None:
    text = "\n".join(json.dumps(c) for c in [FIRE, {**FIRE, "deaths": 0}])
    assert run(text, "--lines").stdout.splitlines() == [
        "可予救助：20,640 元（1 档）",
        "不予救助：不符合“意外事件”的条件（2.1.1）",
    ]
    assert run(text, "--lines", "--lang", "en").stdout.splitlines() == [
        "Granted: 20,640 yuan (tier 1)",
        "Refused: the condition of 'Accident or disaster' is not met (2.1.1)",
    ]


def test_with_lines_a_bad_case_stops_the_run_and_names_its_line() -> None:
    text = "\n".join(json.dumps(c) for c in [FIRE, MEDICAL, {**FIRE, "deaths": -1}, FIRE])
    result = run(text, "--lines", "--json")
    assert result.exit_code == 2
    assert [json.loads(line)["amount"] for line in result.stdout.splitlines()] == ["20640.00", "6400.00"]
    assert result.stderr.startswith("第 3 行：deaths（死亡人数）不可能是 -1")
    assert "Line 3: deaths (Deaths) cannot be -1" in result.stderr


# --- for people to read ----------------------------------------------------------------------------------


def test_a_decision_is_printed_in_chinese_with_what_why_who_and_when() -> None:
    text = run(MEDICAL).stdout
    assert text.startswith("可予救助：6,400 元（2 档）\n")
    for said in (
        "类别  医疗支出  2.2.3  支出型",
        "审批权限  旗县（市、区）民政部门",
        "为什么",
        "个人自负医疗费用  38,000 元",
    ):
        assert said in text
    assert re.search(r"信息核对 +申请受理（或一次性告知所缺材料）后 5 个工作日 +2026-03-10", text)
    assert "示例数据：不代表任何真实旗县的标准" in text


def test_a_decision_can_be_printed_in_english_without_a_chinese_word() -> None:
    text = run(MEDICAL, "--lang", "en").stdout
    assert text.startswith("Granted: 6,400 yuan (tier 2)\n")
    for said in ("Medical expense  2.2.3  expenditure", "Who decides  county civil affairs", "Self-paid medical costs"):
        assert said in text
    assert re.findall(r"[\u4e00-\u9fff]", text) == []


@pytest.mark.parametrize("case", [FIRE, MEDICAL, {**FIRE, "deaths": 0}, {"cause": "fire"}])
def test_no_colour_is_printed_where_there_is_no_terminal(case: dict[str, Any]) -> None:
    result = CliRunner().invoke(cli, ["decide", "-", "--rulebook", "150199"], input=json.dumps(case), color=True)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout


def test_a_missing_fact_is_asked_for_in_words() -> None:
    case = {k: v for k, v in MEDICAL.items() if k not in ("vehicles", "annual_income_per_head")}
    chinese, english = run(case).stdout, run(case, "--lang", "en").stdout
    assert chinese.startswith("尚不能确定") and english.startswith("Not yet certain")
    assert chinese.index("家庭人均可支配收入是多少？") < chinese.index("家庭名下有几辆机动车") < chinese.index("为什么")
    assert (
        english.index("What was the disposable income per head")
        < english.index("How many vehicles")
        < english.index("Why")
    )


# --- what cannot be a case -------------------------------------------------------------------------------


def test_an_unknown_key_is_refused_with_the_key_that_was_meant() -> None:
    refused(
        run({**FIRE, "housold_size": 4}, "--json"),
        "没有名为 housold_size 的事实。是否想写 household_size？",
        "There is no fact housold_size. Did you mean household_size?",
    )


def test_an_unknown_key_like_no_other_is_refused_with_the_keys_there_are() -> None:
    refused(
        run({**FIRE, "zzz": 4}, "--json"),
        "没有名为 zzz 的事实。可用的键：applied_on、cause",
        "Known keys: applied_on, cause",
    )


def test_a_key_that_stands_twice_is_refused_even_with_equal_values() -> None:
    text = json.dumps(FIRE)[:-1] + ', "deaths": 2}'
    refused(run(text, "--json"), "键 deaths 写了两次，请只留一次", "The key deaths stands twice; keep one")


WRONG_TYPES = [
    ("deaths", "2", "应为整数", "give a whole number"),
    ("deaths", 2.0, "应为整数", "give a whole number"),
    ("deaths", True, "应为整数", "give a whole number"),
    ("dwelling_uninhabitable", 1, "true 或 false", "give true or false"),
    ("dwelling_uninhabitable", "true", "true 或 false", "give true or false"),
    ("cause", "flood", "应为下列之一：natural_disaster、fire", "give one of natural_disaster, fire"),
    ("cause", ["fire"], "应为下列之一：natural_disaster、fire", "give one of natural_disaster, fire"),
    ("applied_on", "2026-02-29", "日期，如 2026-01-31", "a date such as 2026-01-31"),
    ("applied_on", "2026/03/02", "日期，如 2026-01-31", "a date such as 2026-01-31"),
    ("applied_on", 20260302, "日期，如 2026-01-31", "a date such as 2026-01-31"),
    ("granted_last_12_months", "1.234", "最多两位小数的金额，如 1234.50", "at most two decimals, such as 1234.50"),
    ("granted_last_12_months", 1.234, "最多两位小数的金额，如 1234.50", "at most two decimals, such as 1234.50"),
    ("granted_last_12_months", 0.1 + 0.2, "最多两位小数的金额，如 1234.50", "at most two decimals, such as 1234.50"),
    ("granted_last_12_months", "1,000", "最多两位小数的金额，如 1234.50", "at most two decimals, such as 1234.50"),
    ("granted_last_12_months", "一千", "最多两位小数的金额，如 1234.50", "at most two decimals, such as 1234.50"),
    ("granted_last_12_months", "", "最多两位小数的金额，如 1234.50", "at most two decimals, such as 1234.50"),
    ("granted_last_12_months", {}, "最多两位小数的金额，如 1234.50", "at most two decimals, such as 1234.50"),
]


@pytest.mark.parametrize(("key", "value", "chinese", "english"), WRONG_TYPES)
def test_a_value_of_the_wrong_type_is_refused_with_the_type_that_is_needed(
    key: str, value: object, chinese: str, english: str
) -> None:
    result = run({**FIRE, key: value}, "--json")
    refused(result, f"{key}（ | {chinese} | 未知写 null", f"{key} ( | {english} | null when not yet known")


IMPOSSIBLE = [
    ("household_size", 0, "1 人 至 100 人", "between 1 person | and 100 persons"),
    ("household_size", 101, "1 人 至 100 人", "between 1 person | and 100 persons"),
    ("deaths", -1, "0 人 至 100 人", "between 0 person | and 100 persons"),
    ("deaths", 10**30, "0 人 至 100 人", "between 0 person | and 100 persons"),
    ("granted_last_12_months", -5, "0 元 至 1,000,000,000 元", "between 0 yuan and 1,000,000,000 yuan"),
    ("granted_last_12_months", "-0.01", "0 元 至 1,000,000,000 元", "between 0 yuan and 1,000,000,000 yuan"),
    ("granted_last_12_months", 10**12, "0 元 至 1,000,000,000 元", "between 0 yuan and 1,000,000,000 yuan"),
]


@pytest.mark.parametrize(("key", "value", "chinese", "english"), IMPOSSIBLE)
def test_an_impossible_value_is_refused_with_the_bounds(key: str, value: object, chinese: str, english: str) -> None:
    result = run({**FIRE, key: value}, "--json")
    refused(result, f"{key}（ | 不可能是 | 应在 {chinese} 之间；请核对", f"{key} ( | cannot be | {english} | check it")


def test_facts_that_contradict_each_other_are_refused_with_both_keys() -> None:
    refused(
        run({**MEDICAL, "severely_disabled_members": 5}, "--json"),
        "severely_disabled_members、household_size：重度残疾人数不能多于家庭人口；请核对并改正其中一项",
        "severely_disabled_members, household_size: There cannot be | Check and correct one of them",
    )


@pytest.mark.parametrize("option", [[], ["--on", "2023-12-31"]])
def test_a_day_before_there_was_a_standard_is_refused_with_the_first_day(option: list[str]) -> None:
    case = {k: v for k, v in FIRE.items() if k != "applied_on"} if option else {**FIRE, "applied_on": "2023-12-31"}
    refused(
        run(case, "--json", *option),
        "2023-12-31 在 2024-01-01 之前 | 请核对 applied_on",
        "2023-12-31 is before 2024-01-01 | Check applied_on, or use the rulebook then in force",
    )


def test_an_unknown_rulebook_is_refused_with_those_there_are() -> None:
    refused(
        run(FIRE, "--json", rulebook="150198"),
        "没有名为 “150198” 的救助标准。可用：example-county、 | 也可以给出 .toml 文件的路径",
        "No rulebook answers to '150198'. Known: example-county,  | or give the path of a .toml file",
    )


@pytest.mark.parametrize(
    ("text", "chinese", "english"),
    [
        ("", "不是有效的 JSON：第 1 行", "Not valid JSON: line 1"),
        ('{\n"cause": fire}', "不是有效的 JSON：第 2 行第 10 列", "Check quotes and commas"),
        ('[{"cause": "fire"}]', "案件应是一个 JSON 对象", "A case is one JSON object"),
        ('{"granted_last_12_months": NaN}', "NaN 不是数，请改正", "NaN is not a number; correct it"),
        ('{"granted_last_12_months": -Infinity}', "-Infinity 不是数", "-Infinity is not a number"),
        ('{"cause": "火灾"}'.encode("gb18030"), "请另存为 UTF-8", "save it as UTF-8"),
        ("[" * 100_000, "JSON 无法读取", "cannot be read"),
    ],
)
def test_what_is_no_case_at_all_is_refused(text: str | bytes, chinese: str, english: str) -> None:
    refused(run(text, "--json"), chinese, english)


def test_a_day_on_the_command_line_that_is_none_is_refused() -> None:
    result = run(FIRE, "--json", "--on", "2026-13-01")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "“2026-13-01” 不是日期，请写成 2026-01-31" in result.stderr and "'2026-13-01' is not a date" in result.stderr
