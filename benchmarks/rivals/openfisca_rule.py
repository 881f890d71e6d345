"""The example standard in OpenFisca-core: one entity, dated parameters, one variable for every quantity.

It is written as OpenFisca's own users write: figures live in a dated parameter tree and are read through
`parameters(...)`, formulas are vectorised and never loop, every quantity can be asked for and traced.

What was done for speed, all of it within the public package:

- money is whole fen (amounts of help: whole yuan) in integers instead of the default 32-bit floats, which cannot hold a
  fen exactly; facts take the column's own type, so that setting an input copies nothing but the three enumerations;
- the simulation is built directly with the wanted number of households and the facts are set as arrays. For one
  case `build_from_entities` takes longer; for many, `build_default_simulation` makes a Python list of the ids;
- one period serves every case, so that the parameters of that day are looked up once and stay cached; the two figures
  that change with the date of application are chosen per row by two comparisons, not by three simulations;
- one case sets only the facts that it holds;
- a batch goes in slices of `SLICE` rows, so that the memory of intermediate arrays is used again (several times
  the rate of one piece); the slices go to one thread per core, as numpy lets go of the interpreter lock in its loops.
  Smaller slices make the threads wait for each other, because every slice has some 2 ms of OpenFisca's own work;
- the rates of clause 2.2.3 are applied as increments (three `maximum`), which is cheaper, and exact where a
  `MarginalRateTaxScale` works in floating point;
- categories, tiers and dated figures are joined by multiplying with truth values, the old OpenFisca idiom: on random
  rows it takes 1 to 3 ns a row, where `numpy.select` and `numpy.choose` took 10 to 20 and `numpy.where` 8;
- the trace is read out by one walk over the tracer's trees: `get_serialized_flat_trace` gives the same entries, but
  visits every cached reading again.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from benchmarks.rivals import population
from benchmarks.rivals.population import CATEGORIES, REASONS, Columns
from openfisca_core.entities import build_entity
from openfisca_core.indexed_enums import Enum, EnumArray
from openfisca_core.parameters import ParameterNode
from openfisca_core.periods import DateUnit, Instant, period
from openfisca_core.simulations import Simulation
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.tracers import FullTracer
from openfisca_core.tracers.flat_trace import FlatTrace
from openfisca_core.variables import Variable

Array = npt.NDArray[Any]

SLICE = 1 << 18
WORKERS = os.cpu_count() or 1
OUTPUTS = (
    "result",
    "category",
    "tier",
    "amount",
    "authority",
    "special_panel",
    "reasons",
)


class Cause(Enum):
    natural_disaster = "自然灾害"
    fire = "火灾"
    traffic_accident = "交通事故"
    drowning = "溺水"
    sudden_illness = "突发重大疾病"
    severe_mental_illness = "重性精神疾病"
    medical_expense = "医疗支出"
    education_expense = "教育支出"
    disability_care = "重残照料"
    other_hardship = "其他特殊困难"


class Recognised(Enum):
    none = "无"
    dibao = "低保"
    tekun = "特困"


class Situation(Enum):
    none = "无"
    breadwinner_absent = "主要劳动力失联或服刑"


ENUMERATIONS = {
    "cause": Cause,
    "recognised": Recognised,
    "county_situation": Situation,
}
NO_SITUATION = Situation.none

V1, V2, V3 = Instant((2024, 1, 1)), Instant((2025, 1, 1)), Instant((2026, 1, 1))
DAY_V2 = (dt.date(2025, 1, 1) - population.EPOCH).days
DAY_V3 = (dt.date(2026, 1, 1) - population.EPOCH).days
NOW = period("day:2026-01-01")


def _figure(*values: int) -> dict[str, Any]:
    """A dated parameter: its value from 2024, from 2025 and from 2026, where they differ."""
    versions = zip((V1, V2, V3), values, strict=False)
    return {"values": {str(since): {"value": value} for since, value in versions}}


# S in yuan, other money in fen, rates in percent.
PARAMETERS = {
    "dibao": _figure(800, 830, 860),
    "income_line": _figure(3813000, 4000000, 4200000),
    "means": {
        "asset_months": _figure(24),
        "most_dwellings": _figure(1),
        "most_vehicles": _figure(0),
    },
    "accident": {
        "months_1": _figure(6),
        "months_2": _figure(4),
        "months_3": _figure(2),
        "most_members": _figure(5),
    },
    "illness": {
        "line_1": _figure(5000000),
        "line_2": _figure(2000000),
        "months_1": _figure(6),
        "months_2": _figure(4),
        "months_3": _figure(2),
        "most_members": _figure(3),
    },
    "medical": {
        "threshold": _figure(1000000),
        "band_2": _figure(3000000),
        "band_3": _figure(6000000),
        "rate_1": _figure(20),
        "rate_2": _figure(30),
        "rate_3": _figure(40),
        "more_if_recognised": _figure(10),
    },
    "education": {
        "preschool": _figure(100000),
        "senior_high": _figure(200000),
        "college": _figure(400000),
    },
    "disability": {
        "percent": _figure(50),
        "most_carers": _figure(2),
        "most_months": _figure(6),
    },
    "other": {"months": _figure(3), "most_members": _figure(3)},
    "award": {
        "ceiling_months": _figure(12),
        "most_members": _figure(5),
        "least": _figure(300),
    },
    "township": {"emergency": _figure(5000), "expenditure": _figure(3000)},
    "panel": {"own_line": _figure(10000000), "incomes": _figure(3)},
}

CATEGORY_OF_CAUSE = np.array(population.CATEGORY_OF_CAUSE, np.int8)
BIT = {clause: 1 << i for i, clause in enumerate(REASONS)}
BIT_OF_CATEGORY = np.array([BIT[clause] for clause in CATEGORIES], np.int16)

Household = build_entity(key="household", plural="households", label="Household", is_person=True)
SYSTEM = TaxBenefitSystem([Household])
SYSTEM.parameters = ParameterNode("", data=PARAMETERS)


def _add(name: str, dtype: Any, **attributes: Any) -> None:
    """A variable of the system that is held in the given integer type."""
    value_type = bool if dtype is np.bool_ else int
    attributes = {
        "value_type": value_type,
        "entity": Household,
        "definition_period": DateUnit.DAY,
    } | attributes
    variable = SYSTEM.add_variable(type(name, (Variable,), attributes))
    if variable.value_type is not Enum:
        variable.dtype = np.dtype(dtype)


def quantity(dtype: Any) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Make a variable of a formula: its name is the formula's, held in `dtype`."""

    def add(formula: Callable[..., Array]) -> Callable[..., Array]:
        _add(formula.__name__, dtype, formula=formula)
        return formula

    return add


def _add_facts() -> None:
    _add("applied_on", np.int32)
    for name in population.MONEY:
        _add(name, np.int64)
    for name in population.COUNTS:
        _add(name, np.int16)
    for name in population.TRUTHS:
        _add(name, np.bool_)
    for name, values in ENUMERATIONS.items():
        first = next(iter(values))
        _add(name, None, value_type=Enum, possible_values=values, default_value=first)


_add_facts()


# Dated parameters


def _on_day_of_application(household: Any, period: Any, parameters: Any, name: str) -> Array:
    applied_on = household("applied_on", period)
    first, second, third = (np.int32(getattr(parameters(since), name)) for since in (V1, V2, V3))
    value = (applied_on >= DAY_V2) * (second - first) + first
    value += (applied_on >= DAY_V3) * (third - second)
    return value


@quantity(np.int32)
def dibao(household: Any, period: Any, parameters: Any) -> Array:
    return _on_day_of_application(household, period, parameters, "dibao")


@quantity(np.int32)
def income_line(household: Any, period: Any, parameters: Any) -> Array:
    return _on_day_of_application(household, period, parameters, "income_line")


# Grounds that come before the category


@quantity(np.int8)
def category(household: Any, period: Any) -> Array:
    return CATEGORY_OF_CAUSE.take(household("cause", period).view(np.ndarray), mode="clip")


@quantity(np.bool_)
def emergency(household: Any, period: Any) -> Array:
    return household("category", period) < 2


@quantity(np.bool_)
def unjustified_repeat(household: Any, period: Any) -> Array:
    same = household("same_cause_within_12_months", period)
    return same & ~household("repeat_justified", period)


@quantity(np.bool_)
def recognised_household(household: Any, period: Any) -> Array:
    return household("recognised", period) != Recognised.none


@quantity(np.bool_)
def means_test_passed(household: Any, period: Any, parameters: Any) -> Array:
    means = parameters(period).means
    income = household("annual_income_per_head", period)
    poor = (income < household("income_line", period)) | household("income_exception", period)
    most_assets = (means.asset_months * 100) * (household("dibao", period) * household("household_size", period))
    return household("recognised_household", period) | (
        poor
        & (household("financial_assets", period) <= most_assets)
        & (household("dwellings", period) <= means.most_dwellings)
        & (household("vehicles", period) <= means.most_vehicles)
    )


@quantity(np.bool_)
def means_test_failed(household: Any, period: Any) -> Array:
    return ~(household("emergency", period) | household("means_test_passed", period))


# 2.1.1 accident


@quantity(np.bool_)
def accident_condition(household: Any, period: Any) -> Array:
    return (
        (household("deaths", period) >= 1)
        | (household("serious_injuries", period) >= 1)
        | household("dwelling_uninhabitable", period)
    )


@quantity(np.int8)
def accident_tier(household: Any, period: Any) -> Array:
    deaths = household("deaths", period)
    homeless = household("dwelling_uninhabitable", period)
    death = deaths >= 1
    first = (deaths >= 2) | (death & homeless)
    second = death | homeless | (household("serious_injuries", period) >= 2)
    return np.int8(3) - first - second


def _months(tier: Array, p: Any) -> Array:
    months = (tier <= 2) * np.int8(p.months_2 - p.months_3) + np.int8(p.months_3)
    months += (tier == 1) * np.int8(p.months_1 - p.months_2)
    return months


def _members(household: Any, period: Any, most: int) -> Array:
    return np.minimum(household("household_size", period), most)


@quantity(np.int32)
def accident_amount(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).accident
    members = _members(household, period, p.most_members)
    months = _months(household("accident_tier", period), p)
    return household("dibao", period) * members * months


# 2.1.2 illness


@quantity(np.int8)
def illness_tier(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).illness
    expected = household("expected_self_paid", period)
    return np.int8(3) - (expected >= p.line_1) - (expected >= p.line_2)


@quantity(np.int32)
def illness_amount(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).illness
    members = _members(household, period, p.most_members)
    months = _months(household("illness_tier", period), p)
    return household("dibao", period) * members * months


# 2.2.3 medical expense


@quantity(np.int64)
def own_medical_expense(household: Any, period: Any) -> Array:
    own = household("medical_bill", period) - household("basic_insurance", period)
    own -= household("critical_illness_insurance", period)
    own -= household("commercial_insurance", period)
    own -= household("medical_aid", period)
    return np.maximum(own, 0, out=own)


@quantity(np.int64)
def medical_threshold(household: Any, period: Any, parameters: Any) -> Array:
    threshold = np.int64(parameters(period).medical.threshold)
    return threshold * ~household("recognised_household", period)


@quantity(np.bool_)
def medical_condition(household: Any, period: Any) -> Array:
    return household("own_medical_expense", period) > household("medical_threshold", period)


@quantity(np.int8)
def medical_tier(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).medical
    own = household("own_medical_expense", period)
    return np.int8(3) - (own > p.band_3) - (own > p.band_2)


@quantity(np.int32)
def medical_amount(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).medical
    own = household("own_medical_expense", period)
    recognised = household("recognised_household", period)
    percents = _above(own, household("medical_threshold", period))
    percents *= recognised * np.int8(p.more_if_recognised) + np.int8(p.rate_1)
    percents += _above(own, p.band_2) * (p.rate_2 - p.rate_1)
    percents += _above(own, p.band_3) * (p.rate_3 - p.rate_2)
    percents += 5000
    percents //= 10000
    return percents


def _above(money: Array, line: Any) -> Array:
    part = money - line
    return np.maximum(part, 0, out=part)


# 2.2.4 education expense


@quantity(np.bool_)
def education_condition(household: Any, period: Any) -> Array:
    student = (
        (household("students_preschool", period) >= 1)
        | (household("students_senior_high", period) >= 1)
        | (household("students_college", period) >= 1)
    )
    return student & (household("education_net_expense", period) > 0)


@quantity(np.int8)
def education_tier(household: Any, period: Any) -> Array:
    college = household("students_college", period) >= 1
    senior_high = household("students_senior_high", period) >= 1
    return np.int8(3) - college - (college | senior_high)


@quantity(np.int32)
def education_amount(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).education
    most = household("students_preschool", period) * np.int32(p.preschool)
    most += household("students_senior_high", period) * np.int32(p.senior_high)
    most += household("students_college", period) * np.int32(p.college)
    return (np.minimum(household("education_net_expense", period), most) + 50) // 100


# 2.2.5 disability care


@quantity(np.bool_)
def disability_condition(household: Any, period: Any) -> Array:
    return (household("severely_disabled_members", period) >= 1) & (household("carers_unable_to_work", period) >= 1)


@quantity(np.int8)
def disability_tier(household: Any, period: Any) -> Array:
    return np.int8(2) - (household("severely_disabled_members", period) >= 2)


@quantity(np.int32)
def disability_amount(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).disability
    carers = np.minimum(household("carers_unable_to_work", period), p.most_carers)
    months = np.minimum(household("care_months", period), p.most_months)
    percents = household("dibao", period) * (carers * months) * p.percent
    return (percents + 50) // 100


# 2.2.6 other hardship


@quantity(np.bool_)
def other_condition(household: Any, period: Any) -> Array:
    return household("county_situation", period) != NO_SITUATION


@quantity(np.int8)
def other_tier(household: Any, period: Any) -> Array:
    return np.ones(household.count, np.int8)


@quantity(np.int32)
def other_amount(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).other
    members = _members(household, period, p.most_members)
    return p.months * household("dibao", period) * members


# From amount to award


def _by_category(household: Any, period: Any, *names: str) -> Array:
    """The value of each row's own category."""
    category = household("category", period)
    total = household(names[0], period) * (category == 0)
    for code, name in enumerate(names[1:], 1):
        total += household(name, period) * (category == code)
    return total


@quantity(np.bool_)
def condition(household: Any, period: Any) -> Array:
    return _by_category(
        household,
        period,
        "accident_condition",
        "emergency_admission",
        "medical_condition",
        "education_condition",
        "disability_condition",
        "other_condition",
    )


@quantity(np.int8)
def category_tier(household: Any, period: Any) -> Array:
    return _by_category(
        household,
        period,
        "accident_tier",
        "illness_tier",
        "medical_tier",
        "education_tier",
        "disability_tier",
        "other_tier",
    )


@quantity(np.int32)
def category_amount(household: Any, period: Any) -> Array:
    return _by_category(
        household,
        period,
        "accident_amount",
        "illness_amount",
        "medical_amount",
        "education_amount",
        "disability_amount",
        "other_amount",
    )


@quantity(np.int32)
def room(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).award
    members = _members(household, period, p.most_members)
    ceiling = (p.ceiling_months * 100) * household("dibao", period) * members
    left = ceiling - household("granted_last_12_months", period)
    return np.maximum(left, 0, out=left) // 100


@quantity(np.int32)
def award(household: Any, period: Any) -> Array:
    return np.minimum(household("category_amount", period), household("room", period))


@quantity(np.bool_)
def below_least(household: Any, period: Any, parameters: Any) -> Array:
    least = parameters(period).award.least
    return household("condition", period) & (household("award", period) < least)


# The decision


@quantity(np.int16)
def reasons(household: Any, period: Any) -> Array:
    category = household("category", period)
    mask = BIT_OF_CATEGORY.take(category, mode="clip")
    mask *= ~household("condition", period)
    mask |= household("means_test_failed", period) * np.int16(BIT["2.2"])
    mask |= household("unjustified_repeat", period) * np.int16(BIT["3.0"])
    mask |= household("below_least", period) * np.int16(BIT["4.1"])
    return mask


@quantity(np.bool_)
def granted(household: Any, period: Any) -> Array:
    return household("reasons", period) == 0


@quantity(np.int8)
def result(household: Any, period: Any) -> Array:
    return household("granted", period).view(np.int8)


@quantity(np.int8)
def tier(household: Any, period: Any) -> Array:
    return household("category_tier", period) * household("granted", period)


@quantity(np.int64)
def amount(household: Any, period: Any) -> Array:
    fen = household("award", period) * np.int64(100)
    fen *= household("granted", period)
    return fen


@quantity(np.int8)
def authority(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).township
    award = household("award", period)
    emergency = household("emergency", period)
    granted = household("granted", period)
    above = emergency & (award > p.emergency)
    above |= ~emergency & (award > p.expenditure)
    return ((granted & above) | ~(granted | emergency)).view(np.int8)


@quantity(np.bool_)
def special_panel(household: Any, period: Any, parameters: Any) -> Array:
    p = parameters(period).panel
    own = household("own_medical_expense", period)
    incomes = household("annual_income_per_head", period) * p.incomes
    incomes *= household("household_size", period)
    return (
        (household("cause", period) == Cause.medical_expense)
        & (own > p.own_line)
        & (own > incomes)
        & ~household("means_test_failed", period)
        & ~household("unjustified_repeat", period)
    )


# Running it


def one(case: dict[str, Any], trace: bool = True) -> dict[str, Any]:
    """Decide one case; with `trace` the full trace, read out and serialised, is under the key `trace`."""
    simulation = _simulation(1)
    simulation.trace = trace
    household = simulation.household
    for name, value in case.items():
        household.get_holder(name).set_input(NOW, _column(name, value))
    decided = {name: simulation.calculate(name, NOW) for name in OUTPUTS}
    decision = population.decode(decided, 0)
    if trace:
        decision["trace"] = _read_out(simulation.tracer)
    return decision


def batch(columns: Columns, rows: int = SLICE, workers: int = WORKERS) -> Columns:
    """Decide every row, `rows` at a time. Raises ValueError when a date is before the standard."""
    n = columns["applied_on"].size
    if n and columns["applied_on"].min() < population.FIRST_DAY:
        raise ValueError("示例旗 has no standard before 2024-01-01")
    out: Columns = {name: np.empty(n, SYSTEM.get_variable(name).dtype) for name in OUTPUTS}

    def decide(start: int) -> None:
        part = slice(start, min(start + rows, n))
        simulation = _simulation(part.stop - start)
        household = simulation.household
        for name, column in columns.items():
            values = column[part]
            if name in ENUMERATIONS:
                values = EnumArray(values.astype(np.int16), ENUMERATIONS[name])
            household.get_holder(name).set_input(NOW, values)
        for name, column in out.items():
            column[part] = simulation.calculate(name, NOW)

    starts = range(0, n, rows)
    if workers == 1 or n <= rows:
        for start in starts:
            decide(start)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(decide, starts))
    return out


def _read_out(tracer: FullTracer) -> dict[str, Any]:
    """Every variable calculated: its value, the variables and the parameters that it used."""
    entries: dict[str, Any] = {}
    nodes = list(tracer.trees)
    while nodes:
        node = nodes.pop()
        if node.name in entries and not node.children:
            continue
        entries[node.name] = {
            "value": FlatTrace.serialize(node.value),
            "dependencies": [child.name for child in node.children],
            "parameters": {f"{parameter.name}<{parameter.period}>": parameter.value for parameter in node.parameters},
        }
        nodes += node.children
    return entries


def _simulation(households: int) -> Simulation:
    simulation = Simulation(SYSTEM, SYSTEM.instantiate_entities())
    simulation.persons.count = households
    simulation.persons.ids = np.arange(households)
    return simulation


def _column(name: str, value: Any) -> Array:
    if name in ENUMERATIONS:
        values = ENUMERATIONS[name]
        return EnumArray(np.array([values[value].index], np.int16), values)
    if name == "applied_on":
        days = (dt.date.fromisoformat(value) - population.EPOCH).days
        if days < population.FIRST_DAY:
            raise ValueError("示例旗 has no standard before 2024-01-01")
        return np.array([days], np.int32)
    if name in MONEY:
        return np.array([population.fen(value)])
    return np.array([value], SYSTEM.get_variable(name).dtype)


MONEY = frozenset(population.MONEY)
