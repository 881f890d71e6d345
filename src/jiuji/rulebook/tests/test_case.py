"""Reading a case: what is stated is taken exactly, what is not stated stays unknown, what cannot be is refused."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiuji.rulebook import CaseError, Rulebook, load
from jiuji.rulebook.case import Reader, parse_case, period_start

HAN = re.compile(r"[\u4e00-\u9fff]")
DAY = dt.date(2026, 3, 2)
COUNTY = load("150199")


@pytest.fixture(scope="module")
def county() -> Rulebook:
    return COUNTY


@pytest.fixture(scope="module")
def xining() -> Rulebook:
    return load("xining")


def read(rulebook: Rulebook, case: dict[str, Any], on: dt.date | None = DAY) -> dict[str, int | None]:
    """The facts by name, in base units."""
    facts = Reader(rulebook.program).read(case, on)
    return dict(zip(rulebook.program.facts, facts, strict=True))


def fen(rulebook: Rulebook, written: str) -> int | None:
    """An amount as it stands in a JSON file, read to the fen."""
    return read(rulebook, parse_case(f'{{"medical_bill": {written}}}'))["medical_bill"]


def error(rulebook: Rulebook, case: dict[str, Any]) -> CaseError:
    with pytest.raises(CaseError) as caught:
        read(rulebook, case)
    assert HAN.search(caught.value.zh) and caught.value.en, "in both languages"
    return caught.value


# --- JSON ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ['{"cause": "fire"}', '\ufeff{"cause": "fire"}', b'\xef\xbb\xbf{"cause": "fire"}'])
def test_a_case_is_one_json_object_with_or_without_a_byte_order_mark(text: str | bytes) -> None:
    assert parse_case(text) == {"cause": "fire"}


@pytest.mark.parametrize("text", ["null", "1", '"fire"', "[]", '[{"cause": "fire"}]'])
def test_anything_but_one_object_is_no_case(text: str) -> None:
    with pytest.raises(CaseError, match=r'A case is one JSON object, such as \{"cause": "fire"\}'):
        parse_case(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [("", "line 1, column 1"), ('{\n  "cause": fire\n}', "line 2, column 12"), ('{"a": 1} {}', "line 1, column 10")],
)
def test_broken_json_is_refused_with_its_line_and_column(text: str, place: str) -> None:
    with pytest.raises(CaseError, match=f"Not valid JSON: {place}") as caught:
        parse_case(text)
    line, column = re.findall(r"\d+", place)
    assert f"第 {line} 行第 {column} 列" in caught.value.zh and "请检查引号和逗号" in caught.value.zh


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"deaths": 1, "deaths": 1}', "deaths"),
        ('{"cause": "fire", "deaths": 1, "cause": null}', "cause"),
        ('{"grants": [{"on": "2026-01-01", "amount": 1, "amount": 2}]}', "amount"),
    ],
)
def test_a_key_that_stands_twice_is_refused_wherever_it_stands(text: str, key: str) -> None:
    with pytest.raises(CaseError) as caught:
        parse_case(text)
    assert caught.value.key == key
    assert f"键 {key} 写了两次" in caught.value.zh and f"The key {key} stands twice" in caught.value.en


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(word: str) -> None:
    with pytest.raises(CaseError, match=f"{word} is not a number"):
        parse_case(f'{{"medical_bill": {word}}}')


def test_text_in_another_encoding_is_refused() -> None:
    with pytest.raises(CaseError, match="save it as UTF-8"):
        parse_case('{"cause": "火灾"}'.encode("gb18030"))


@given(st.text())
def test_no_text_breaks_the_reading_of_a_case(text: str) -> None:
    with contextlib.suppress(CaseError):
        assert isinstance(parse_case(text), dict)


# --- amounts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("1234.5", 123450),
        ("1234.50", 123450),
        ('"1234.50"', 123450),
        ("1234", 123400),
        ('"1234"', 123400),
        ("0.01", 1),
        ("0.29", 29),
        ("1.10", 110),
        ("4.35", 435),
        ("1e3", 100000),
        ("1.5e1", 1500),
        ("1e-2", 1),
        ("-0.0", 0),
        ("999999999.99", 99999999999),
        ("1000000000", 100000000000),
    ],
)
def test_an_amount_is_taken_to_the_fen_as_it_is_written(county: Rulebook, written: str, wanted: int) -> None:
    assert fen(county, written) == wanted


@given(st.integers(0, 10**11))
def test_every_amount_survives_as_number_and_as_text(amount: int) -> None:
    text = f"{amount // 100}.{amount % 100:02d}"
    assert fen(COUNTY, text) == fen(COUNTY, f'"{text}"') == amount
    assert read(COUNTY, {"medical_bill": Decimal(text)})["medical_bill"] == amount


@pytest.mark.parametrize(
    "written",
    [
        "1.005",
        "0.001",
        "1e-3",
        '"1.234"',
        '"1,000"',
        '"1e3"',
        '"１２"',
        '"+5"',
        '" 5"',
        '"5."',
        '".5"',
        '""',
        '"1_0"',
        "true",
        "[]",
        "{}",
        '"1/2"',
        '"NaN"',
        '"5\\n"',
        "0.30000000000000004",
    ],
)
def test_what_is_no_amount_to_the_fen_is_refused(county: Rulebook, written: str) -> None:
    with pytest.raises(CaseError) as caught:
        fen(county, written)
    assert caught.value.key == "medical_bill"
    assert "最多两位小数的金额" in caught.value.zh and "at most two decimals" in caught.value.en


@pytest.mark.parametrize("written", ["-0.01", "-5", '"-5.00"', "1000000000.01", "1e400", "9" * 400])
def test_an_amount_out_of_bounds_is_refused_with_the_bounds(county: Rulebook, written: str) -> None:
    with pytest.raises(CaseError) as caught:
        fen(county, written)
    assert caught.value.key == "medical_bill"
    assert "应在 0 元 至 1,000,000,000 元 之间" in caught.value.zh
    assert "between 0 yuan and 1,000,000,000 yuan" in caught.value.en


@pytest.mark.xfail(strict=True, raises=ValueError, reason="Python refuses to read more than 4,300 digits")
def test_an_amount_of_thousands_of_digits_is_refused_as_any_other(county: Rulebook) -> None:
    assert error(county, {"medical_bill": "9" * 5000}).key == "medical_bill"


# --- other kinds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["2", 2.0, True, False, "", [2], {}, Decimal(2)])
def test_a_count_is_a_whole_number_and_nothing_else(county: Rulebook, value: object) -> None:
    refusal = error(county, {"deaths": value})
    assert refusal.key == "deaths" and "应为整数" in refusal.zh and "a whole number" in refusal.en


@pytest.mark.parametrize("value", [0, 1, "true", "是", 1.0, []])
def test_yes_or_no_is_true_or_false_and_nothing_else(county: Rulebook, value: object) -> None:
    refusal = error(county, {"dwelling_uninhabitable": value})
    assert refusal.key == "dwelling_uninhabitable" and "true 或 false" in refusal.zh and "true or false" in refusal.en


@pytest.mark.parametrize("value", ["flood", "Fire", "火灾", "", 0, True, ["fire"], {}])
def test_a_choice_is_one_of_its_values_and_nothing_else(county: Rulebook, value: object) -> None:
    refusal = error(county, {"cause": value})
    assert refusal.key == "cause"
    assert "应为下列之一：natural_disaster、fire" in refusal.zh and "one of natural_disaster, fire" in refusal.en


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-29",
        "2026-13-01",
        "2026/03/02",
        "20260302",
        "2026-3-2",
        "2026-W10-1",
        " 2026-03-02",
        "２０２６-03-02",
        20260302,
        True,
        dt.datetime(2026, 3, 2),
    ],
)
def test_a_day_is_written_in_one_way(county: Rulebook, value: object) -> None:
    refusal = error(county, {"applied_on": value})
    assert refusal.key == "applied_on" and "日期，如 2026-01-31" in refusal.zh and "a date such as" in refusal.en


def test_a_day_may_be_given_as_a_date_by_a_program(county: Rulebook) -> None:
    assert read(county, {"applied_on": DAY}) == read(county, {"applied_on": "2026-03-02"})


@pytest.mark.parametrize(
    ("key", "value", "bounds"),
    [
        ("household_size", 0, "1 人 至 100 人"),
        ("household_size", 101, "1 人 至 100 人"),
        ("deaths", -1, "0 人 至 100 人"),
        ("care_months", 1201, "0 个月 至 1,200 个月"),
        ("applied_on", "1899-12-31", "1900-01-01 至 2199-12-31"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_the_bounds(
    county: Rulebook, key: str, value: object, bounds: str
) -> None:
    refusal = error(county, {key: value})
    assert refusal.key == key and f"应在 {bounds} 之间；请核对" in refusal.zh and "check it" in refusal.en


# --- known and unknown -----------------------------------------------------------------------------------


def test_what_is_not_stated_and_what_is_null_is_unknown(county: Rulebook) -> None:
    facts = read(county, {"deaths": None, "medical_bill": None, "cause": None, "dwelling_uninhabitable": None})
    assert {facts[k] for k in ("deaths", "medical_bill", "cause", "dwelling_uninhabitable", "vehicles")} == {None}


def test_zero_and_no_are_known(county: Rulebook) -> None:
    facts = read(county, {"deaths": 0, "medical_bill": 0, "dwelling_uninhabitable": False})
    assert [facts[k] for k in ("deaths", "medical_bill", "dwelling_uninhabitable")] == [0, 0, False]


def test_a_fact_with_a_default_is_known_unless_it_is_stated_to_be_unknown(county: Rulebook) -> None:
    defaults = {"repeat_justified": 0, "income_exception": 0, "county_situation": 0}
    unstated = read(county, {})
    assert {k: unstated[k] for k in defaults} == defaults
    unknown = read(county, dict.fromkeys(defaults))
    assert {unknown[k] for k in defaults} == {None}


def test_one_case_leaves_nothing_behind_for_the_next(county: Rulebook) -> None:
    reader = Reader(county.program)
    first = reader.read({"deaths": 3, "repeat_justified": True}, DAY)
    assert reader.read({}, DAY) != first
    assert reader.read({}, DAY) == Reader(county.program).read({}, DAY)


def test_the_day_of_application_is_stated_or_given_or_today(county: Rulebook) -> None:
    assert read(county, {"applied_on": "2025-01-01"})["applied_on"] == dt.date(2025, 1, 1).toordinal()
    assert read(county, {})["applied_on"] == DAY.toordinal()
    assert read(county, {"applied_on": None})["applied_on"] == DAY.toordinal()
    before = dt.date.today()
    found = read(county, {}, on=None)["applied_on"]
    assert found is not None and before.toordinal() <= found <= dt.date.today().toordinal()


def test_an_unknown_key_is_refused_with_the_key_that_was_meant(county: Rulebook) -> None:
    refusal = error(county, {"cause": "fire", "death": 1})
    assert refusal.key == "death"
    assert "没有名为 death 的事实。是否想写 deaths？" in refusal.zh and "Did you mean deaths?" in refusal.en


def test_a_fact_of_another_rulebook_is_unknown_here(xining: Rulebook) -> None:
    refusal = error(xining, {"household_size": 4})
    assert refusal.key == "household_size"
    assert "可用的键：applied_on、in_temporary_hardship" in refusal.zh and "Known keys: applied_on" in refusal.en


def test_every_fact_of_every_kind_is_read_from_a_json_file(county: Rulebook) -> None:
    """A value of its kind for each fact of the county: none is forgotten, each has its place."""
    values: dict[str, Any] = {"boolean": True, "integer": 1, "money": "1.01", "date": "2026-03-02"}
    case = {f.name: values.get(f.kind) or f.type.values[-1] for f in county.program.facts.values()}
    facts = read(county, parse_case(json.dumps(case)))
    assert None not in facts.values()
    wanted = {"boolean": True, "integer": 1, "money": 101, "date": DAY.toordinal()}
    for fact in county.program.facts.values():
        assert facts[fact.name] == wanted.get(fact.kind, len(fact.type.values) - 1)


# --- earlier grants --------------------------------------------------------------------------------------


def history(xining: Rulebook, *grants: tuple[str, Any], on: str = "2025-05-01") -> tuple[int | None, int | None]:
    """How many grants this year, and how much in fen."""
    case = {"applied_on": on, "grants": [{"on": day, "amount": amount} for day, amount in grants]}
    facts = read(xining, case)
    return facts["grants_this_year"], facts["granted_this_year"]


def test_earlier_grants_are_counted_and_added_up_within_the_year(xining: Rulebook) -> None:
    assert history(xining) == (0, 0)
    assert history(xining, ("2025-01-01", 500), ("2025-05-01", "300.55")) == (2, 80055)
    assert history(xining, ("2024-12-31", 500), ("2025-03-01", 400.1)) == (1, 40010)


def test_a_grant_after_the_application_is_no_earlier_grant(xining: Rulebook) -> None:
    assert history(xining, ("2025-05-02", 500), ("2025-05-01", 300)) == (1, 30000)


def test_twelve_months_end_on_the_day_of_the_application(county: Rulebook) -> None:
    grants = [
        {"on": "2025-03-02", "amount": 500},
        {"on": "2025-03-03", "amount": 70},
        {"on": "2026-03-02", "amount": 3},
    ]
    facts = read(county, {"applied_on": "2026-03-02", "grants": grants})
    assert facts["granted_last_12_months"] == 7300


def test_what_the_case_states_itself_goes_before_the_list_of_grants(xining: Rulebook) -> None:
    grants = [{"on": "2025-01-01", "amount": 500}]
    facts = read(xining, {"applied_on": "2025-05-01", "grants": grants, "grants_this_year": 3})
    assert (facts["grants_this_year"], facts["granted_this_year"]) == (3, 50000)


def test_without_a_list_of_grants_earlier_grants_are_unknown(xining: Rulebook) -> None:
    facts = read(xining, {"applied_on": "2025-05-01"})
    assert facts["grants_this_year"] is None and facts["granted_this_year"] is None


def test_a_rulebook_that_asks_for_no_earlier_grants_takes_none() -> None:
    assert error(load("qingyang"), {"grants": []}).key == "grants"


NO_LISTS: list[object] = [None, {}, "2025-01-01", 5, [5], ["2025-01-01"]]
NO_LISTS += [[{"amount": 5}], [{"on": "2025-02-30", "amount": 5}], [{"on": 20250101, "amount": 5}]]
NO_LISTS += [[{"on": "2025-01-01", "amount": a}] for a in (None, True, "1,000", "1.005", 1.005, "x")]


@pytest.mark.parametrize("grants", NO_LISTS)
def test_a_list_of_grants_that_cannot_be_read_is_refused_with_how_to_write_it(xining: Rulebook, grants: object) -> None:
    refusal = error(xining, {"applied_on": "2025-05-01", "grants": grants})
    assert refusal.key == "grants" and "grants" in refusal.zh and "grants" in refusal.en


NOT_GRANTS = {
    "a negative amount": [{"on": "2025-01-01", "amount": -500}],
    "no amount": [{"on": "2025-01-01"}],
    "a misspelt key": [{"on": "2025-01-01", "amount": 500, "amonut": 5}],
    "a day without dashes": [{"on": "20250101", "amount": 500}],
    "a week": [{"on": "2025-W03-1", "amount": 500}],
    "more grants than the fact may count": [{"on": "2025-01-01", "amount": 1}] * 101,
    "more money than the fact may hold": [{"on": "2025-01-01", "amount": 10**10}],
}


@pytest.mark.xfail(strict=True, reason="the list of grants is read less strictly than the facts")
@pytest.mark.parametrize("fault", NOT_GRANTS)
def test_a_grant_is_held_to_the_same_rules_as_a_fact(xining: Rulebook, fault: str) -> None:
    refusal = error(xining, {"applied_on": "2025-05-01", "grants": NOT_GRANTS[fault]})
    assert refusal.key in ("grants", "grants_this_year", "granted_this_year")


@pytest.mark.parametrize(
    ("day", "period", "before"),
    [
        ("2026-03-02", "12_months", "2025-03-02"),
        ("2024-02-29", "12_months", "2023-02-28"),
        ("2025-02-28", "12_months", "2024-02-28"),
        ("2024-03-31", "1_months", "2024-02-29"),
        ("2024-12-31", "6_months", "2024-06-30"),
        ("2024-01-01", "1_months", "2023-12-01"),
        ("2024-12-31", "12_months", "2023-12-31"),
        ("2025-05-01", "calendar_year", "2024-12-31"),
        ("2025-01-01", "calendar_year", "2024-12-31"),
        ("2025-12-31", "calendar_year", "2024-12-31"),
    ],
)
def test_a_period_begins_on_the_day_after(day: str, period: str, before: str) -> None:
    assert period_start(dt.date.fromisoformat(day).toordinal(), period) == dt.date.fromisoformat(before).toordinal()


@given(st.dates(dt.date(2004, 1, 1), dt.date(2100, 12, 31)), st.integers(1, 60))
def test_a_period_of_months_is_never_longer_than_those_months(day: dt.date, months: int) -> None:
    begin = dt.date.fromordinal(period_start(day.toordinal(), f"{months}_months"))
    assert (day.year - begin.year) * 12 + day.month - begin.month == months
    assert begin.day <= day.day and (begin.day == day.day or (begin + dt.timedelta(days=1)).day == 1)
