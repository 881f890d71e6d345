"""The population that every engine decides, as columns and as cases, and the codes they share.

Columns: money is int64 fen, enumerations are int8 codes in the order of the standard's lists, truth values are
bool, `applied_on` is int32 days since 1970-01-01, counts are int16. Every fact has a value in every row; what a
category does not use is 0, False or the first of its list, except the means facts, which every household has.

`cases(n, seed)` are the rows of `columns(n, seed)`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

Columns = dict[str, npt.NDArray[Any]]

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
ENUMERATIONS = {
    "cause": CAUSES,
    "recognised": RECOGNISED,
    "county_situation": SITUATIONS,
}
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
COUNTS = (
    "household_size",
    "dwellings",
    "vehicles",
    "deaths",
    "serious_injuries",
    "students_preschool",
    "students_senior_high",
    "students_college",
    "severely_disabled_members",
    "carers_unable_to_work",
    "care_months",
)
TRUTHS = (
    "income_exception",
    "dwelling_uninhabitable",
    "emergency_admission",
    "same_cause_within_12_months",
    "repeat_justified",
)
DEFAULTS = {
    "income_exception": False,
    "county_situation": "none",
    "repeat_justified": False,
}

# What decisions are made of: codes of the output columns.
RESULTS = ("refused", "granted")
AUTHORITIES = ("township", "county")
CATEGORIES = ("2.1.1", "2.1.2", "2.2.3", "2.2.4", "2.2.5", "2.2.6")
# Bit i of the `reasons` column stands for the i-th clause.
REASONS = ("2.1.1", "2.1.2", "2.2", "2.2.3", "2.2.4", "2.2.5", "2.2.6", "3.0", "4.1")
CATEGORY_OF_CAUSE = (0, 0, 0, 0, 1, 1, 2, 3, 4, 5)

EPOCH = dt.date(1970, 1, 1)
FIRST_DAY = (dt.date(2024, 1, 1) - EPOCH).days
LAST_DAY = (dt.date(2026, 12, 31) - EPOCH).days

# Share of each cause among applications: illness and its cost lead, as in the field.
_SHARES = (0.05, 0.04, 0.05, 0.01, 0.13, 0.03, 0.42, 0.09, 0.08, 0.10)
_MEANS_TESTED = ("annual_income_per_head", "financial_assets", "dwellings", "vehicles")
_USED = {
    "2.1.1": ("deaths", "serious_injuries", "dwelling_uninhabitable"),
    "2.1.2": ("emergency_admission", "expected_self_paid"),
    "2.2.3": MONEY[3:8],
    "2.2.4": (*COUNTS[5:8], "education_net_expense"),
    "2.2.5": COUNTS[8:11],
    "2.2.6": ("county_situation",),
}
_ALWAYS_USED = (
    "applied_on",
    "cause",
    "household_size",
    "granted_last_12_months",
    "same_cause_within_12_months",
    "repeat_justified",
)
_ALWAYS_USED_BY_EXPENDITURE = ("recognised", "income_exception", *_MEANS_TESTED)


def columns(n: int, seed: int = 0) -> Columns:
    """A plausible population of `n` households that apply, with the categories in proportion."""
    rng = np.random.default_rng(seed)

    def share(of: npt.NDArray[np.bool_] | None, probability: float) -> Any:
        hit = rng.random(n, np.float32) < probability
        return hit if of is None else hit & of

    def pick(of: npt.NDArray[np.bool_] | None, shares: Iterable[float]) -> Any:
        steps = np.cumsum(np.array(list(shares), np.float32))[:-1]
        code = np.zeros(n, np.int16)
        draw = rng.random(n, np.float32)
        for step in steps:
            code += draw >= step
        return code if of is None else code * of

    def money(of: npt.NDArray[np.bool_] | None, median: float, spread: float) -> npt.NDArray[np.int64]:
        """Log-normal, in fen; half of the amounts are whole yuan."""
        fen = np.exp(rng.standard_normal(n, np.float32) * spread) * (median * 100)
        fen = np.minimum(fen, 300_000_000).astype(np.int64)
        fen = np.where(rng.random(n, np.float32) < 0.5, fen // 100 * 100, fen)
        return fen if of is None else fen * of

    cause = pick(None, _SHARES)
    accident = cause < 4
    illness = (cause == 4) | (cause == 5)
    medical = cause == 6
    education = cause == 7
    disability = cause == 8
    other = cause == 9

    size = pick(None, (0.14, 0.27, 0.27, 0.18, 0.09, 0.04, 0.01)) + np.int16(1)
    recognised = pick(None, (0.66, 0.29, 0.05))
    poor = np.where(recognised > 0, np.float32(0.35), np.float32(1.0))
    out: Columns = {
        "applied_on": rng.integers(FIRST_DAY, LAST_DAY + 1, n, np.int32),
        "cause": cause.astype(np.int8),
        "household_size": size,
        "recognised": recognised.astype(np.int8),
        "annual_income_per_head": (money(None, 24_000, 0.6) * poor).astype(np.int64),
        "income_exception": share(None, 0.02),
        "financial_assets": (money(None, 14_000, 1.3) * poor).astype(np.int64),
        "dwellings": pick(None, (0.06, 0.90, 0.04)),
        "vehicles": pick(None, (0.91, 0.08, 0.01)),
        "deaths": pick(accident, (0.72, 0.24, 0.04)),
        "serious_injuries": pick(accident, (0.45, 0.43, 0.12)),
        "dwelling_uninhabitable": share(accident, 0.35),
        "emergency_admission": share(illness, 0.88),
        "expected_self_paid": money(illness, 19_000, 0.9),
    }
    bill = money(medical, 62_000, 0.9)
    basic = (bill * (0.35 + 0.3 * rng.random(n, np.float32))).astype(np.int64)
    critical = (bill * (0.2 * rng.random(n, np.float32))).astype(np.int64)
    critical *= share(medical, 0.5)
    commercial = (bill * (0.25 * rng.random(n, np.float32))).astype(np.int64)
    commercial *= share(medical, 0.12)
    aid = (bill * (0.3 * rng.random(n, np.float32))).astype(np.int64)
    aid *= share(medical & (recognised > 0), 0.8)
    out |= {
        "medical_bill": bill,
        "basic_insurance": basic,
        "critical_illness_insurance": critical,
        "commercial_insurance": commercial,
        "medical_aid": aid,
        "students_preschool": pick(education, (0.80, 0.18, 0.02)),
        "students_senior_high": pick(education, (0.62, 0.34, 0.04)),
        "students_college": pick(education, (0.42, 0.50, 0.08)),
        "education_net_expense": money(education, 5_500, 0.8),
        "severely_disabled_members": np.minimum(pick(disability, (0.05, 0.83, 0.12)), size),
        "carers_unable_to_work": pick(disability, (0.12, 0.74, 0.14)),
        "care_months": pick(disability, (0.02, *(0.07,) * 14)),
        "county_situation": share(other, 0.6).astype(np.int8),
        "granted_last_12_months": money(share(None, 0.15), 2_500, 0.8),
        "same_cause_within_12_months": share(None, 0.06),
        "repeat_justified": share(None, 0.02),
    }
    return out


def cases(n: int, seed: int = 0, used_only: bool = False) -> list[dict[str, Any]]:
    """The rows of `columns(n, seed)` as cases: JSON types, money as decimal strings.

    With `used_only` a case holds only the facts that its category uses, as a clerk's form would.
    """
    lists = {name: column.tolist() for name, column in columns(n, seed).items()}
    rows = [_row(lists, i) for i in range(n)]
    return [_without_unused(row) for row in rows] if used_only else rows


def encode(rows: Iterable[dict[str, Any]]) -> Columns:
    """Columns of complete cases; a fact with a default may be absent, an absent other fact is 0 or False."""
    rows = list(rows)
    out: Columns = {
        "applied_on": np.array(
            [(dt.date.fromisoformat(r["applied_on"]) - EPOCH).days for r in rows],
            np.int32,
        )
    }
    for name, values in ENUMERATIONS.items():
        codes = [values.index(r.get(name, values[0])) for r in rows]
        out[name] = np.array(codes, np.int8)
    for name in MONEY:
        out[name] = np.array([fen(r.get(name, 0)) for r in rows], np.int64)
    for name in COUNTS:
        out[name] = np.array([r.get(name, 0) for r in rows], np.int16)
    for name in TRUTHS:
        out[name] = np.array([r.get(name, False) for r in rows], np.bool_)
    return out


def decode(decided: Columns, i: int) -> dict[str, Any]:
    """Row `i` of a decided batch in the words of a single decision."""
    category = CATEGORIES[int(decided["category"][i])]
    tier, amount = int(decided["tier"][i]), int(decided["amount"][i])
    return {
        "result": RESULTS[int(decided["result"][i])],
        "category": category,
        "track": "emergency" if category.startswith("2.1") else "expenditure",
        "tier": tier or None,
        "amount": f"{amount // 100}.{amount % 100:02d}" if amount else None,
        "authority": AUTHORITIES[int(decided["authority"][i])],
        "special_panel": bool(decided["special_panel"][i]),
        "reasons": reasons_of(int(decided["reasons"][i])),
    }


def reasons_of(mask: int) -> list[str]:
    """The clauses in a mask of reasons, ascending."""
    return [clause for bit, clause in enumerate(REASONS) if mask >> bit & 1]


def fen(yuan: int | float | str) -> int:
    """Exact fen of an amount with at most two decimals."""
    return int(Decimal(str(yuan)) * 100)


def _row(lists: dict[str, list[Any]], i: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, column in lists.items():
        value = column[i]
        if name == "applied_on":
            row[name] = (EPOCH + dt.timedelta(value)).isoformat()
        elif name in ENUMERATIONS:
            row[name] = ENUMERATIONS[name][value]
        elif name in MONEY:
            row[name] = f"{value // 100}.{value % 100:02d}"
        else:
            row[name] = value
    return row


def _without_unused(row: dict[str, Any]) -> dict[str, Any]:
    category = CATEGORIES[CATEGORY_OF_CAUSE[CAUSES.index(row["cause"])]]
    used = _ALWAYS_USED + _USED[category]
    if category.startswith("2.2"):
        used += _ALWAYS_USED_BY_EXPENDITURE
    return {name: row[name] for name in used}
