"""The example county's standard in plain Python, for complete facts: the judge in tests.

It is written from the standard's text alone and shares nothing with `jiuji`: no rulebook, no expression
language, no table engine. It prefers the obvious to the fast. Money is exact (`Fraction`), never binary floating
point.

How the text is read where it could be read in two ways:

- 3.0, 2.2 (expenditure track only) and the category's own clause are judged each for itself, so a refusal can
  have several reasons.
- 4.1 (an award below 300) is judged whenever the category's own condition holds, even if 3.0 or 2.2 already
  refuse. Where the category's condition fails there is no award that could be too small.
- "Up to 5000 the township" looks at the award, after the ceiling.
- `special_panel` may be true of a case that is refused under 4.1 only.

Facts that a category does not use may be absent, and so may the three facts that have defaults. Facts are not
checked for range: that is the business of the system under test.
"""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

CAUSES = (
    "natural_disaster",
    "fire",
    "traffic_accident",
    "drowning",
    "sudden_illness",
    "severe_mental_illness",
    "medical_expense",
    "education_expense",
    "disability_care",
    "other_hardship",
)
RECOGNISED = ("none", "dibao", "tekun")
SITUATIONS = ("none", "breadwinner_absent")
DEFAULTS = {
    "income_exception": False,
    "county_situation": "none",
    "repeat_justified": False,
}
# In force from, S (yuan a person and month), L (yuan a year).
VERSIONS = (
    (dt.date(2024, 1, 1), 800, 38130),
    (dt.date(2025, 1, 1), 830, 40000),
    (dt.date(2026, 1, 1), 860, 42000),
)
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


class NoStandard(ValueError):
    """The county had no standard on the date of application."""


class Finding(NamedTuple):
    """What a category's own row of the standard says, before ceiling and other grounds."""

    category: str
    condition: bool
    tier: int
    amount: Fraction


def yuan(value: int | float | Decimal | str) -> Fraction:
    """The exact amount in yuan; a float means the decimal number that it prints as."""
    return Fraction(Decimal(str(value)))


def version_on(day: dt.date) -> tuple[int, int]:
    """S and L in force on the date of application. Raises NoStandard before 2024-01-01."""
    for since, s, line in reversed(VERSIONS):
        if day >= since:
            return s, line
    raise NoStandard(f"示例旗 had no standard on {day}; the first is of {VERSIONS[0][0]}")


def decide(case: dict[str, Any]) -> dict[str, Any]:
    """The decision on a case with complete facts.

    Keys: result, category, track, tier, amount (yuan, a string with two decimals), authority, special_panel,
    reasons. `tier` and `amount` are None on a refusal. Raises NoStandard before 2024-01-01.
    """
    facts = DEFAULTS | case
    s, line = version_on(_day(facts["applied_on"]))
    finding = _find(facts, s)
    emergency = finding.category.startswith("2.1")

    reasons = []
    if facts["same_cause_within_12_months"] and not facts["repeat_justified"]:
        reasons.append("3.0")
    if not emergency and not _means_test_passed(facts, s, line):
        reasons.append("2.2")
    no_panel = bool(reasons)
    award = 0
    if finding.condition:
        award = min(_half_up(finding.amount), _room(facts, s))
        if award < 300:
            reasons.append("4.1")
    else:
        reasons.append(finding.category)

    granted = not reasons
    if emergency:
        authority = "county" if granted and award > 5000 else "township"
    else:
        authority = "township" if granted and award <= 3000 else "county"
    return {
        "result": "granted" if granted else "refused",
        "category": finding.category,
        "track": "emergency" if emergency else "expenditure",
        "tier": finding.tier if granted else None,
        "amount": f"{award}.00" if granted else None,
        "authority": authority,
        "special_panel": not no_panel and _far_beyond_means(facts),
        "reasons": sorted(reasons),
    }


def _day(value: dt.date | str) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)


def _half_up(amount: Fraction) -> int:
    return (amount + Fraction(1, 2)).__floor__()


def _room(facts: dict[str, Any], s: int) -> int:
    """Clause 4.1: what the ceiling leaves, in whole yuan."""
    ceiling = 12 * s * min(facts["household_size"], 5)
    return max(ceiling - yuan(facts["granted_last_12_months"]), Fraction(0)).__floor__()


def _is_recognised(facts: dict[str, Any]) -> bool:
    return facts["recognised"] in ("dibao", "tekun")


def _means_test_passed(facts: dict[str, Any], s: int, line: int) -> bool:
    """Clauses 2.2 and 3.2.2."""
    if _is_recognised(facts):
        return True
    if yuan(facts["annual_income_per_head"]) >= line and not facts["income_exception"]:
        return False
    if yuan(facts["financial_assets"]) > 24 * s * facts["household_size"]:
        return False
    return facts["dwellings"] <= 1 and facts["vehicles"] == 0


def _own_expense(facts: dict[str, Any]) -> Fraction:
    """What the household itself carries of the medical bill."""
    covered = (
        yuan(facts["basic_insurance"])
        + yuan(facts["critical_illness_insurance"])
        + yuan(facts["commercial_insurance"])
        + yuan(facts["medical_aid"])
    )
    return max(yuan(facts["medical_bill"]) - covered, Fraction(0))


def _far_beyond_means(facts: dict[str, Any]) -> bool:
    """Clause 4.2, apart from the refusals that exclude it."""
    if facts["cause"] != "medical_expense":
        return False
    own = _own_expense(facts)
    if own <= 100000:
        return False
    return own > 3 * yuan(facts["annual_income_per_head"]) * facts["household_size"]


def _find(facts: dict[str, Any], s: int) -> Finding:
    cause = facts["cause"]
    if cause in ("natural_disaster", "fire", "traffic_accident", "drowning"):
        return _accident(facts, s)
    if cause in ("sudden_illness", "severe_mental_illness"):
        return _illness(facts, s)
    if cause == "medical_expense":
        return _medical(facts)
    if cause == "education_expense":
        return _education(facts)
    if cause == "disability_care":
        return _disability(facts, s)
    if cause == "other_hardship":
        return _other(facts, s)
    raise ValueError(f"unknown cause: {cause}")


def _accident(facts: dict[str, Any], s: int) -> Finding:
    deaths = facts["deaths"]
    injuries = facts["serious_injuries"]
    homeless = facts["dwelling_uninhabitable"]
    condition = deaths >= 1 or injuries >= 1 or homeless
    if deaths >= 2 or (deaths >= 1 and homeless):
        tier, months = 1, 6
    elif deaths == 1 or homeless or injuries >= 2:
        tier, months = 2, 4
    else:
        tier, months = 3, 2
    return Finding(
        "2.1.1", condition, tier, Fraction(months * s * min(facts["household_size"], 5))
    )


def _illness(facts: dict[str, Any], s: int) -> Finding:
    expected = yuan(facts["expected_self_paid"])
    if expected >= 50000:
        tier, months = 1, 6
    elif expected >= 20000:
        tier, months = 2, 4
    else:
        tier, months = 3, 2
    amount = Fraction(months * s * min(facts["household_size"], 3))
    return Finding("2.1.2", facts["emergency_admission"], tier, amount)


def _medical(facts: dict[str, Any]) -> Finding:
    own = _own_expense(facts)
    recognised = _is_recognised(facts)
    threshold = 0 if recognised else 10000
    more = Fraction(10, 100) if recognised else Fraction(0)
    amount = Fraction(0)
    for lower, upper, rate in (
        (threshold, 30000, Fraction(20, 100)),
        (30000, 60000, Fraction(30, 100)),
        (60000, None, Fraction(40, 100)),
    ):
        top = own if upper is None else min(own, Fraction(upper))
        amount += max(top - lower, Fraction(0)) * (rate + more)
    tier = 1 if own > 60000 else 2 if own > 30000 else 3
    return Finding("2.2.3", own > threshold, tier, amount)


def _education(facts: dict[str, Any]) -> Finding:
    preschool = facts["students_preschool"]
    senior_high = facts["students_senior_high"]
    college = facts["students_college"]
    net = yuan(facts["education_net_expense"])
    condition = preschool + senior_high + college >= 1 and net > 0
    amount = min(net, Fraction(1000 * preschool + 2000 * senior_high + 4000 * college))
    tier = 1 if college >= 1 else 2 if senior_high >= 1 else 3
    return Finding("2.2.4", condition, tier, amount)


def _disability(facts: dict[str, Any], s: int) -> Finding:
    disabled = facts["severely_disabled_members"]
    carers = facts["carers_unable_to_work"]
    amount = Fraction(1, 2) * s * min(carers, 2) * min(facts["care_months"], 6)
    return Finding(
        "2.2.5", disabled >= 1 and carers >= 1, 1 if disabled >= 2 else 2, amount
    )


def _other(facts: dict[str, Any], s: int) -> Finding:
    amount = Fraction(3 * s * min(facts["household_size"], 3))
    return Finding("2.2.6", facts["county_situation"] != "none", 1, amount)


def random_case(rng: random.Random) -> dict[str, Any]:
    """A random case with complete facts, JSON types only, drawn towards the standard's boundaries.

    Thresholds are met exactly and missed by one fen on either side, dates fall on and around the changes of
    version, earlier grants leave room for about 300 yuan or about the amount. The facts with defaults are
    sometimes left out; money comes as integer, float or decimal string.
    """
    day = _some_day(rng)
    s, line = version_on(day)
    size = rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 8))
    recognised = rng.choice(("none", "none", "dibao", "tekun"))
    own, bill, covered = _some_bill(rng, 0 if recognised != "none" else 10000)
    students = [rng.choice((0, 0, 1, 2)) for _ in range(3)]
    cap = 1000 * students[0] + 2000 * students[1] + 4000 * students[2]
    fen = {
        "annual_income_per_head": rng.choice(
            (
                _near(rng, line),
                rng.randrange(line * 100),
                rng.randrange(line * 300),
                max(own // (3 * size) + rng.choice((-1, 0, 1)), 0),
                _near(rng, 0),
            )
        ),
        "financial_assets": rng.choice(
            (0, _near(rng, 24 * s * size), rng.randrange(24 * s * size * 130))
        ),
        "expected_self_paid": rng.choice(
            (_near(rng, 20000), _near(rng, 50000), rng.randrange(8000000))
        ),
        "medical_bill": bill,
        "basic_insurance": covered[0],
        "critical_illness_insurance": covered[1],
        "commercial_insurance": covered[2],
        "medical_aid": covered[3],
        "education_net_expense": rng.choice(
            (_near(rng, 0), _near(rng, 300), _near(rng, cap), rng.randrange(1200000))
        ),
    }
    case: dict[str, Any] = {
        "applied_on": day.isoformat(),
        "cause": rng.choice(CAUSES + ("medical_expense",) * 3 + ("education_expense",)),
        "household_size": size,
        "recognised": recognised,
        "income_exception": rng.random() < 0.2,
        "dwellings": rng.choice((0, 1, 1, 1, 1, 2)),
        "vehicles": rng.choice((0, 0, 0, 0, 0, 0, 1, 2)),
        "deaths": rng.choice((0, 0, 1, 2, 3)),
        "serious_injuries": rng.choice((0, 0, 1, 2, 3)),
        "dwelling_uninhabitable": rng.random() < 0.3,
        "emergency_admission": rng.random() < 0.8,
        "students_preschool": students[0],
        "students_senior_high": students[1],
        "students_college": students[2],
        "severely_disabled_members": min(rng.choice((0, 1, 1, 2, 3)), size),
        "carers_unable_to_work": rng.choice((0, 1, 1, 2, 3)),
        "care_months": rng.choice((0, 1, 2, 5, 6, 7, 12)),
        "county_situation": rng.choice(SITUATIONS),
        "same_cause_within_12_months": rng.random() < 0.2,
        "repeat_justified": rng.random() < 0.4,
    }
    case |= {name: _as_json_money(rng, amount) for name, amount in fen.items()}
    ceiling = 12 * s * min(size, 5)
    likely = _half_up(max(_find(case, s).amount, Fraction(0)))
    granted = rng.choice(
        (
            0,
            0,
            0,
            rng.randrange(ceiling * 100),
            _near(rng, ceiling),
            _near(rng, ceiling - 300),
            _near(rng, max(ceiling - likely, 0)),
        )
    )
    case["granted_last_12_months"] = _as_json_money(rng, granted)
    for name, default in DEFAULTS.items():
        if case[name] == default and rng.random() < 0.5:
            del case[name]
    return case


def _some_day(rng: random.Random) -> dt.date:
    first, last = VERSIONS[0][0], dt.date(2026, 12, 31)
    if rng.random() < 0.5:
        return first + dt.timedelta(rng.randrange((last - first).days + 1))
    since = rng.choice(VERSIONS)[0]
    return max(since + dt.timedelta(rng.choice((-1, 0, 1))), first)


def _near(rng: random.Random, threshold: int) -> int:
    """Fen at a threshold given in yuan, or next to it: one fen, or half a yuan where rounding turns."""
    return max(threshold * 100 + rng.choice((-51, -50, -1, 0, 0, 1, 49, 50, 51)), 0)


def _some_bill(rng: random.Random, threshold: int) -> tuple[int, int, list[int]]:
    """Own expense, bill and the four deductions, in fen; at times the deductions exceed the bill."""
    covered = [rng.choice((0, rng.randrange(10_000_000))) for _ in range(4)]
    if sum(covered) and rng.random() < 0.05:
        return 0, rng.randrange(sum(covered)), covered
    boundary = rng.choice((threshold, 10000, 30000, 60000, 100000))
    own = rng.choice(
        (
            _near(rng, boundary),
            # Small grants: about 300 yuan, of one fifth or three tenths.
            _near(rng, threshold + rng.choice((1000, 1500))),
            threshold * 100 + rng.randrange(1_000_000),
            rng.randrange(8_000_000),
            rng.randrange(40_000_000),
        )
    )
    return own, own + sum(covered), covered


def _as_json_money(rng: random.Random, fen: int) -> int | float | str:
    """The same amount in any of the forms that a case may hold."""
    whole, rest = divmod(fen, 100)
    forms: list[int | float | str] = [f"{whole}.{rest:02d}", fen / 100]
    if rest == 0:
        forms += [whole, str(whole)]
    elif rest % 10 == 0:
        forms.append(f"{whole}.{rest // 10}")
    return rng.choice(forms)
