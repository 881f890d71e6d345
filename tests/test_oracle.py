"""The judge judged: cases of the example county's standard, worked by hand in the comments."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any

from tests.oracle import decide, random_case

MONEY = (
    "annual_income_per_head",
    "financial_assets",
    "expected_self_paid",
    "medical_bill",
    "basic_insurance",
    "critical_illness_insurance",
    "commercial_insurance",
    "medical_aid",
    "education_net_expense",
    "granted_last_12_months",
)
WHO = ("township", "county")
BASE = {
    "applied_on": "2026-03-02",
    "household_size": 3,
    "granted_last_12_months": 0,
    "same_cause_within_12_months": False,
}
MEANS = BASE | {
    "recognised": "none",
    "annual_income_per_head": 20000,
    "financial_assets": 5000,
    "dwellings": 1,
    "vehicles": 0,
}
FIRE = BASE | {
    "cause": "fire",
    "deaths": 0,
    "serious_injuries": 0,
    "dwelling_uninhabitable": True,
}
ILLNESS = BASE | {
    "cause": "sudden_illness",
    "emergency_admission": True,
    "expected_self_paid": 20000,
}
MEDICAL = MEANS | {
    "cause": "medical_expense",
    "medical_bill": 45000,
    "basic_insurance": 8000,
    "critical_illness_insurance": 1500,
    "commercial_insurance": 500,
    "medical_aid": 0,
}
EDUCATION = MEANS | {
    "cause": "education_expense",
    "students_preschool": 1,
    "students_senior_high": 1,
    "students_college": 0,
    "education_net_expense": 2345.50,
}
CARE = MEANS | {
    "cause": "disability_care",
    "severely_disabled_members": 1,
    "carers_unable_to_work": 1,
    "care_months": 3,
}
OTHER = MEANS | {"cause": "other_hardship", "county_situation": "breadwinner_absent"}


def granted(decision: dict[str, Any]) -> tuple[Any, ...]:
    assert decision["result"] == "granted"
    assert decision["reasons"] == []
    return decision["tier"], decision["amount"], decision["authority"]


def refused(decision: dict[str, Any]) -> list[str]:
    assert decision["result"] == "refused"
    assert decision["tier"] is None
    assert decision["amount"] is None
    reasons = decision["reasons"]
    assert isinstance(reasons, list)
    return reasons


def test_a_burnt_house_is_tier_2_and_goes_to_the_county_above_5000() -> None:
    # 4 x 860 x 3 = 10320; the ceiling is 12 x 860 x 3 = 30960.
    decision = decide(FIRE)
    assert granted(decision) == (2, "10320.00", "county")
    assert decision["category"] == "2.1.1"
    assert decision["track"] == "emergency"
    assert decision["special_panel"] is False


def test_a_death_with_the_house_lost_is_tier_1_for_at_most_five_members() -> None:
    # 6 x 860 x min(7, 5) = 25800.
    case = FIRE | {"deaths": 1, "household_size": 7}
    assert granted(decide(case)) == (1, "25800.00", "county")


def test_one_serious_injury_is_tier_3_at_the_standard_of_the_day() -> None:
    # On 2024-12-31 S is 800: 2 x 800 x 3 = 4800; a day later S is 830: 4980; on 2026-01-01 860: 5160, above 5000.
    case = FIRE | {"dwelling_uninhabitable": False, "serious_injuries": 1}
    on = {day: granted(decide(case | {"applied_on": day})) for day in ("2024-12-31", "2025-01-01", "2026-01-01")}
    assert on == {
        "2024-12-31": (3, "4800.00", "township"),
        "2025-01-01": (3, "4980.00", "township"),
        "2026-01-01": (3, "5160.00", "county"),
    }


def test_an_accident_without_harm_is_refused_by_the_township() -> None:
    decision = decide(FIRE | {"dwelling_uninhabitable": False})
    assert refused(decision) == ["2.1.1"]
    assert decision["authority"] == "township"


def test_an_illness_is_tiered_by_the_hospitals_estimate() -> None:
    # 20000 exactly is tier 2: 4 x 860 x 3 = 10320; a fen less is tier 3: 2 x 860 x 3 = 5160; 50000 is tier 1: 15480.
    assert granted(decide(ILLNESS)) == (2, "10320.00", "county")
    less = ILLNESS | {"expected_self_paid": "19999.99"}
    assert granted(decide(less)) == (3, "5160.00", "county")
    more = ILLNESS | {"expected_self_paid": Decimal("50000.00")}
    assert granted(decide(more)) == (1, "15480.00", "county")


def test_earlier_grants_leave_only_the_rest_of_the_ceiling() -> None:
    # Room: 30960 - 30659.40 = 300.60, down to 300, and 300 is enough. A fen off 30660.01 leaves 299: refused.
    case = ILLNESS | {"granted_last_12_months": 30659.40}
    assert granted(decide(case)) == (2, "300.00", "township")
    case = ILLNESS | {"granted_last_12_months": 30660.01}
    assert refused(decide(case)) == ["4.1"]
    case = ILLNESS | {"granted_last_12_months": 99999}
    assert refused(decide(case)) == ["4.1"]


def test_medical_expense_is_paid_in_bands_from_10000() -> None:
    # own = 45000 - 10000 = 35000: 20000 x 20 % + 5000 x 30 % = 4000 + 1500 = 5500; above 30000 is tier 2.
    decision = decide(MEDICAL)
    assert granted(decision) == (2, "5500.00", "county")
    assert decision["track"] == "expenditure"


def test_a_recognised_household_has_ten_points_more_from_the_first_fen_and_no_means_test() -> None:
    # own = 35000: 30000 x 30 % + 5000 x 40 % = 9000 + 2000 = 11000. Two flats do not matter.
    case = MEDICAL | {"recognised": "dibao", "dwellings": 2}
    assert granted(decide(case)) == (2, "11000.00", "county")


def test_half_a_yuan_is_rounded_up() -> None:
    # own = 11502.50: 1502.50 x 20 % = 300.50, up to 301. own = 11502.45: 300.49, down to 300.
    # own = 11497.50: 299.50, up to 300: granted. own = 11497.45: 299.49, down to 299: refused.
    paid = {
        own: decide(MEDICAL | {"medical_bill": Decimal(own) + 10000}) for own in ("11502.50", "11502.45", "11497.50")
    }
    assert [decision["amount"] for decision in paid.values()] == [
        "301.00",
        "300.00",
        "300.00",
    ]
    assert refused(decide(MEDICAL | {"medical_bill": 21497.45})) == ["4.1"]


def test_an_expense_of_exactly_10000_or_covered_in_full_is_refused() -> None:
    assert refused(decide(MEDICAL | {"medical_bill": 20000})) == ["2.2.3"]
    assert refused(decide(MEDICAL | {"medical_bill": 9000})) == ["2.2.3"]
    recognised = MEDICAL | {"recognised": "tekun", "medical_bill": 10000}
    assert refused(decide(recognised)) == ["2.2.3"]


def test_a_panel_may_be_called_for_an_expense_far_beyond_means() -> None:
    # own = 180000.01 > 100000 and > 3 x 20000 x 3 = 180000. 4000 + 9000 + 120000.01 x 40 % = 61000.004, but the ceiling
    # is 30960. At 180000.00 it is not above three years' income.
    case = MEDICAL | {"medical_bill": "190000.01"}
    decision = decide(case)
    assert granted(decision) == (1, "30960.00", "county")
    assert decision["special_panel"] is True
    assert decide(case | {"medical_bill": 190000})["special_panel"] is False
    # The room used up: refused under 4.1 only, and the panel stays possible. A refusal under 3.0 or 2.2 excludes it.
    used_up = case | {"granted_last_12_months": 30960}
    assert refused(decide(used_up)) == ["4.1"]
    assert decide(used_up)["special_panel"] is True
    assert decide(case | {"vehicles": 1})["special_panel"] is False
    assert decide(case | {"same_cause_within_12_months": True})["special_panel"] is False


def test_education_pays_the_expense_up_to_the_sum_of_the_stages() -> None:
    # 1000 + 2000 = 3000 is more than 2345.50, which rounds to 2346; a senior-high student is tier 2.
    assert granted(decide(EDUCATION)) == (2, "2346.00", "township")
    # With a college student the cap is 7000: tier 1, and above 3000 the county decides.
    college = EDUCATION | {"students_college": 1, "education_net_expense": 9000}
    assert granted(decide(college)) == (1, "7000.00", "county")
    nobody = EDUCATION | {"students_preschool": 0, "students_senior_high": 0}
    assert refused(decide(nobody)) == ["2.2.4"]
    assert refused(decide(EDUCATION | {"education_net_expense": 0})) == ["2.2.4"]


def test_care_pays_half_the_standard_for_two_carers_and_six_months_at_most() -> None:
    # 430 x 1 x 3 = 1290; 430 x 2 x 6 = 5160; no month yet: 0, below 300.
    assert granted(decide(CARE)) == (2, "1290.00", "township")
    most = CARE | {
        "severely_disabled_members": 2,
        "carers_unable_to_work": 3,
        "care_months": 9,
    }
    assert granted(decide(most)) == (1, "5160.00", "county")
    assert refused(decide(CARE | {"care_months": 0})) == ["4.1"]
    assert refused(decide(CARE | {"carers_unable_to_work": 0})) == ["2.2.5"]


def test_other_hardship_needs_a_situation_that_the_county_names() -> None:
    # 3 x 860 x min(3, 3) = 7740.
    assert granted(decide(OTHER)) == (1, "7740.00", "county")
    without = {key: OTHER[key] for key in OTHER if key != "county_situation"}
    assert refused(decide(without)) == ["2.2.6"]


def test_the_means_test_ends_exactly_at_its_lines() -> None:
    # In 2026 L is 42000, and income must be below it; assets may be 24 x 860 x 3 = 61920.
    at_lines = OTHER | {"annual_income_per_head": 41999.99, "financial_assets": 61920}
    assert granted(decide(at_lines))[0] == 1
    too_rich = OTHER | {"annual_income_per_head": 42000}
    assert refused(decide(too_rich)) == ["2.2"]
    assert granted(decide(too_rich | {"income_exception": True}))[0] == 1
    assert refused(decide(OTHER | {"financial_assets": "61920.01"})) == ["2.2"]
    assert refused(decide(OTHER | {"dwellings": 2})) == ["2.2"]
    assert refused(decide(OTHER | {"vehicles": 1})) == ["2.2"]


def test_every_ground_of_a_refusal_is_named_in_order() -> None:
    # A repeat, a car, and 430 x 1 x 0 = 0: three grounds, each judged for itself.
    case = CARE | {"same_cause_within_12_months": True, "vehicles": 1, "care_months": 0}
    decision = decide(case)
    assert refused(decision) == ["2.2", "3.0", "4.1"]
    assert decision["authority"] == "county"
    # Where the category's condition fails there is no award that could be too small.
    assert refused(decide(case | {"carers_unable_to_work": 0})) == [
        "2.2",
        "2.2.5",
        "3.0",
    ]
    assert refused(decide(case | {"repeat_justified": True})) == ["2.2", "4.1"]


def test_random_cases_reach_every_outcome() -> None:
    rng = random.Random(20260302)
    seen: Counter[Any] = Counter()
    for _ in range(40_000):
        case = random_case(rng)
        decision = decide(case)
        assert case["severely_disabled_members"] <= case["household_size"]
        seen[decision["category"], decision["tier"], decision["authority"]] += 1
        seen[tuple(decision["reasons"])] += 1
        seen["panel", decision["result"]] += decision["special_panel"]
    granted_in = {
        "2.1.1": (1, 2, 3),
        "2.1.2": (1, 2, 3),
        "2.2.3": (1, 2, 3),
        "2.2.4": (1, 2),
        "2.2.5": (1, 2),
        "2.2.6": (1,),
    }
    expected = {(category, tier, who) for category in granted_in for tier in granted_in[category] for who in WHO}
    expected.add(("2.2.4", 3, "township"))  # more than 3000 takes four children of preschool age
    expected |= {("panel", "granted"), ("panel", "refused")}
    expected |= {(), ("2.2",), ("3.0",), ("4.1",), ("2.2", "4.1"), ("3.0", "4.1"), ("2.2", "3.0", "4.1")}
    for category in granted_in:
        expected |= {(category,), (category, "3.0")}
        if category.startswith("2.2"):
            expected |= {("2.2", category), ("2.2", category, "3.0")}
    assert {outcome for outcome in expected if not seen[outcome]} == set()


def test_the_form_of_money_and_the_facts_with_defaults_do_not_matter() -> None:
    rng = random.Random(7)
    for _ in range(2_000):
        case = random_case(rng)
        other = {"income_exception": False, "county_situation": "none", "repeat_justified": False} | case
        other |= {name: Decimal(str(case[name])) for name in MONEY}
        assert decide(other) == decide(case)
