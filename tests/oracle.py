"""The example county's standard written down a second time, by hand, without the rulebook engine.

Plain Python over complete facts; the tests hold the rulebook to it. Reasons: 3.0, 2.2 and the category's own clause are
judged each for itself; 4.1 (an award below 300) only where the category's own condition holds, for otherwise there is no
award.
"""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

S = {2024: 800, 2025: 830, 2026: 860}
LINE = {2024: 38130, 2025: 40000, 2026: 42000}
ACCIDENTS = ("natural_disaster", "fire", "traffic_accident", "drowning")
ILLNESSES = ("sudden_illness", "severe_mental_illness")
CLAUSES = {
    "medical_expense": "2.2.3",
    "education_expense": "2.2.4",
    "disability_care": "2.2.5",
    "other_hardship": "2.2.6",
}
CAUSES = (*ACCIDENTS, *ILLNESSES, *CLAUSES)


def money(value: Any) -> Fraction:
    return Fraction(str(value))


def decide(case: dict[str, Any]) -> dict[str, Any]:
    year = min(int(case["applied_on"][:4]), 2026)
    s, cause, size = S[year], case["cause"], case["household_size"]
    reasons = set()
    if case["same_cause_within_12_months"] and not case.get("repeat_justified", False):
        reasons.add("3.0")
    panel = False
    tier: int | None
    if cause in ACCIDENTS:
        track, clause = "emergency", "2.1.1"
        deaths, injuries, lost = case["deaths"], case["serious_injuries"], case["dwelling_uninhabitable"]
        met = deaths >= 1 or injuries >= 1 or lost
        if deaths >= 2 or (deaths >= 1 and lost):
            tier, times = 1, 6
        elif deaths == 1 or lost or injuries >= 2:
            tier, times = 2, 4
        else:
            tier, times = 3, 2
        amount = Fraction(times * s * min(size, 5))
    elif cause in ILLNESSES:
        track, clause = "emergency", "2.1.2"
        met = case["emergency_admission"]
        expected = money(case["expected_self_paid"])
        tier, times = (1, 6) if expected >= 50000 else (2, 4) if expected >= 20000 else (3, 2)
        amount = Fraction(times * s * min(size, 3))
    else:
        track, clause = "expenditure", CLAUSES[cause]
        recognised = case["recognised"] in ("dibao", "tekun")
        means = recognised or (
            (money(case["annual_income_per_head"]) < LINE[year] or case.get("income_exception", False))
            and money(case["financial_assets"]) <= 24 * s * size
            and case["dwellings"] <= 1
            and case["vehicles"] == 0
        )
        if not means:
            reasons.add("2.2")
        if cause == "medical_expense":
            deductions = ("basic_insurance", "critical_illness_insurance", "commercial_insurance", "medical_aid")
            own = max(money(case["medical_bill"]) - sum(money(case[d]) for d in deductions), Fraction(0))
            threshold = 0 if recognised else 10000
            met = own > threshold
            extra = Fraction(1, 10) if recognised else Fraction(0)
            amount = Fraction(0)
            for low, high, rate in ((threshold, 30000, "0.2"), (30000, 60000, "0.3"), (60000, None, "0.4")):
                part = (own if high is None else min(own, Fraction(high))) - low
                amount += max(part, Fraction(0)) * (Fraction(rate) + extra)
            tier = 1 if own > 60000 else 2 if own > 30000 else 3
            income = 3 * money(case["annual_income_per_head"]) * size
            panel = own > 100000 and own > income and not reasons & {"2.2", "3.0"}
        elif cause == "education_expense":
            pre, high_, college = (case[f"students_{k}"] for k in ("preschool", "senior_high", "college"))
            net = money(case["education_net_expense"])
            met = pre + high_ + college >= 1 and net > 0
            amount = min(net, Fraction(1000 * pre + 2000 * high_ + 4000 * college))
            tier = 1 if college else 2 if high_ else 3
        elif cause == "disability_care":
            met = case["severely_disabled_members"] >= 1 and case["carers_unable_to_work"] >= 1
            amount = Fraction(s, 2) * min(case["carers_unable_to_work"], 2) * min(case["care_months"], 6)
            tier = 1 if case["severely_disabled_members"] >= 2 else 2
        else:
            met = case.get("county_situation", "none") != "none"
            amount = Fraction(3 * s * min(size, 3))
            tier = 1
    if not met:
        reasons.add(clause)
    room = max(12 * s * min(size, 5) - money(case["granted_last_12_months"]), Fraction(0)) // 1
    award = min((amount + Fraction(1, 2)) // 1, room)
    if met and award < 300:
        reasons.add("4.1")
    common = {"category": clause, "track": track, "special_panel": panel, "reasons": sorted(reasons)}
    if reasons:
        who = "township" if track == "emergency" else "county"
        return {**common, "result": "refused", "tier": None, "amount": None, "authority": who}
    limit = 5000 if track == "emergency" else 3000
    who = "township" if award <= limit else "county"
    return {**common, "result": "granted", "tier": tier, "amount": f"{award}.00", "authority": who}


def random_case(rng: random.Random, cause: str | None = None) -> dict[str, Any]:
    """A complete case that often stands on or next to a line of the standard."""

    def near(*lines: int) -> str:
        if rng.random() < 0.5:
            return str(
                Decimal(rng.choice(lines)) + rng.choice([Decimal(0), Decimal("0.01"), Decimal("-0.01"), Decimal("0.5")])
            )
        return str(Decimal(rng.randrange(0, 2 * max(lines) * 100)) / 100)

    def positive(*lines: int) -> str:
        value = near(*lines)
        return "0" if value.startswith("-") else value

    size = rng.choice([1, 2, 3, 4, 5, 6, 9])
    day = rng.choice(
        ["2024-01-01", "2024-12-31", "2025-01-01", "2025-06-30", "2025-12-31", "2026-01-01", "2026-11-23", "2027-03-01"]
    )
    s = S[min(int(day[:4]), 2026)]
    bill = positive(10000, 30000, 60000, 110000, 300000)
    share = rng.choice([Decimal(0), Decimal(0), Decimal("0.1"), Decimal("0.3")])
    case = {
        "applied_on": day,
        "cause": cause or rng.choice(CAUSES),
        "household_size": size,
        "recognised": rng.choice(["none", "none", "none", "dibao", "tekun"]),
        "annual_income_per_head": positive(LINE[min(int(day[:4]), 2026)], 20000),
        "financial_assets": positive(24 * s * size),
        "dwellings": rng.choice([0, 1, 1, 1, 2]),
        "vehicles": rng.choice([0, 0, 0, 1]),
        "deaths": rng.choice([0, 0, 1, 2]),
        "serious_injuries": rng.choice([0, 1, 2]),
        "dwelling_uninhabitable": rng.random() < 0.4,
        "emergency_admission": rng.random() < 0.8,
        "expected_self_paid": positive(20000, 50000),
        "medical_bill": bill,
        "basic_insurance": str((Decimal(bill) * share).quantize(Decimal("0.01"))),
        "critical_illness_insurance": rng.choice(["0", "0", "1234.56"]),
        "commercial_insurance": rng.choice(["0", "0", "500"]),
        "medical_aid": rng.choice(["0", "0", "0.01", "10000"]),
        "students_preschool": rng.choice([0, 0, 1, 2]),
        "students_senior_high": rng.choice([0, 0, 1]),
        "students_college": rng.choice([0, 0, 1, 2]),
        "education_net_expense": positive(1000, 4000, 300),
        "severely_disabled_members": rng.randint(0, min(size, 3)),
        "carers_unable_to_work": rng.randint(0, 3),
        "care_months": rng.randint(0, 12),
        "granted_last_12_months": rng.choice(["0", "0", positive(12 * s * min(size, 5), 5000)]),
        "same_cause_within_12_months": rng.random() < 0.15,
    }
    if rng.random() < 0.5:
        case["income_exception"] = rng.random() < 0.3
    if rng.random() < 0.5:
        case["repeat_justified"] = rng.random() < 0.5
    if rng.random() < 0.7:
        case["county_situation"] = rng.choice(["none", "breadwinner_absent"])
    return case
