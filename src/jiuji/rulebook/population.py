"""A plausible synthetic population of any size from a seed, for simulation and measurement.

Nobody in it exists. The columns are the facts of the example county's standard, with ``household_id`` and
``division`` (township code). A banner of Inner Mongolia was the model for the shares; they are assumptions,
not statistics.

Rows are made in blocks of fixed size, each from its own seed, so the first rows of a larger population equal
the smaller one, no chunk size matters, and memory stays bounded. Everything random is a whole number drawn
from PCG64's raw bits and looked up in a table, never a floating-point formula over the rows: the same seed
gives the same households, to the fen, on every machine and with every release of numpy.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from .errors import JiujiError

BLOCK = 65_536
"""Households made from one seed. Another size would be another population."""

CHUNK = 8 * BLOCK
"""Households held in memory and written at a time: one row group of a Parquet file."""

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
DISASTER, FIRE, TRAFFIC, DROWNING, ILLNESS, MENTAL, MEDICAL, EDUCATION, CARE, OTHER = range(10)
CAUSE_SHARES = (0.015, 0.02, 0.04, 0.005, 0.10, 0.03, 0.58, 0.08, 0.08, 0.05)
RECOGNISED = ("none", "dibao", "tekun")
RECOGNISED_SHARES = (0.86, 0.12, 0.02)
SITUATIONS = ("none", "breadwinner_absent")
TOWNSHIPS = ("150199100000", "150199101000")
FIRST_DAY = 19_723  # 2024-01-01, in days since 1970
DAYS = 1_096  # up to 2026-12-31

Array = npt.NDArray[Any]
Progress = Callable[[int, int], None]


# --- whole random numbers ----------------------------------------------------------------------------------


class Draws:
    """One block's random numbers. Each call draws anew, for every row of the block."""

    def __init__(self, seed: int, number: int, stream: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number, stream)))

    def words(self) -> Array:
        """Uniform from 0 to 65535."""
        return self._bits.random_raw(BLOCK // 4).astype("<u8", copy=False).view("<u2")

    def below(self, bound: int) -> Array:
        """Uniform from 0 to ``bound`` - 1, as int32; ``bound`` far below 65536."""
        return (self.words().astype(np.int32) * bound) >> 16

    def choice(self, *shares: float) -> Array:
        """The place of the share drawn, as int8; the shares add up to 1."""
        return _choices(shares)[self.words()]

    def chance(self, share: float) -> Array:
        """True for this share of the rows."""
        return self.words() < round(share * 65_536)

    def money(self, median: int, spread: float, tail: float = 0.0) -> Array:
        """Log-normal amounts in fen around a median in yuan.

        ``spread`` is the standard deviation of the logarithm. With ``tail`` the highest 5 % follow a power
        law with that exponent: a few amounts are very high.
        """
        steps = _amounts(median, spread, tail)
        words = self.words()
        place = words >> 4
        within = ((words & 15).astype(np.int64) << 16) | self.words()
        low = steps[place]
        amounts: Array = low + (((steps[place + 1] - low) * within) >> 20)
        return amounts


@functools.cache
def _choices(shares: tuple[float, ...]) -> Array:
    ends = [round(65_536 * math.fsum(shares[: i + 1])) for i in range(len(shares))]
    if ends[-1] != 65_536:
        raise ValueError(f"shares {shares} do not add up to 1")
    return np.repeat(np.arange(len(shares), dtype=np.int8), np.diff([0, *ends]))


@functools.cache
def _amounts(median: int, spread: float, tail: float) -> Array:
    """The amounts in fen below which 0/4096, 1/4096, ... of all amounts lie; the two ends are cut off."""
    normal, top = NormalDist(), 0.95
    steps = []
    for k in range(4_097):
        share = min(max(k / 4_096, 2**-16), 1 - 2**-17)
        amount = median * math.exp(spread * normal.inv_cdf(min(share, top) if tail else share))
        if tail and share > top:
            amount *= ((1 - top) / (1 - share)) ** (1 / tail)
        steps.append(round(amount * 100))
    return np.array(steps, dtype=np.int64)


# --- households --------------------------------------------------------------------------------------------


def block(number: int, rows: int, seed: int) -> dict[str, Array]:
    """The first ``rows`` (at most BLOCK) households of one block as numpy columns.

    Money in fen (int64), choices as codes (int8), dates as days since 1970 (int32), numbers of people as
    int32. What cannot be in one household is not made: members are never outnumbered by their deaths and
    injuries, disabled members, carers or students, and the deductions are 40 to 85 % of the bill.
    """
    d = Draws(seed, number, 0)
    cause = d.choice(*CAUSE_SHARES)
    recognised = d.choice(*RECOGNISED_SHARES)
    poor = recognised > 0
    accident, ill, medical = cause <= DROWNING, (cause == ILLNESS) | (cause == MENTAL), cause == MEDICAL
    schooling, caring = cause == EDUCATION, cause == CARE

    size = d.choice(0.16, 0.30, 0.27, 0.15, 0.07, 0.03, 0.015, 0.005) + np.int8(1)
    size = np.where(schooling | caring, np.maximum(size, 2), size)
    deaths = np.minimum(d.choice(0.72, 0.22, 0.06) * accident, size)
    injuries = np.minimum(d.choice(0.55, 0.28, 0.12, 0.05) * accident, size - deaths)

    disabled = np.minimum(np.maximum(d.choice(0.88, 0.10, 0.015, 0.005), caring), size)
    carers = np.minimum(np.maximum(d.choice(0.55, 0.38, 0.07), caring & d.chance(0.9)), size - disabled)
    carers *= disabled > 0

    # One adult at least is no student.
    college = np.minimum(d.choice(0.86, 0.12, 0.02), size - 1)
    senior = np.minimum(d.choice(0.87, 0.11, 0.02), size - 1 - college)
    preschool = np.minimum(d.choice(0.87, 0.11, 0.02), size - 1 - college - senior)
    # Nearly every household that applies for education has a student.
    added = schooling & (college + senior + preschool == 0) & d.chance(0.9)
    stage = d.choice(0.55, 0.30, 0.15)
    college += added & (stage == 0)
    senior += added & (stage == 1)
    preschool += added & (stage == 2)
    students = college + senior + preschool

    income = d.money(26_000, 0.5)
    bill = np.maximum(np.where(medical | ill, d.money(26_000, 0.95, tail=2.5), d.money(2_000, 0.9)), 10_000)
    # Evenly from 40.01 to 84.99 % of the bill, so that rounding down to the fen stays within 40 to 85 %.
    covered = bill * (4_001 + d.below(4_499)) // 10_000
    critical = _part(covered, d.below(25), (bill > 2_000_000) & d.chance(0.6))
    commercial = _part(covered, d.below(20), d.chance(0.12))
    aid = _part(covered, d.below(30), d.chance(0.10) | (poor & d.chance(0.8)))
    earlier = d.chance(0.15)
    repeated = earlier & d.chance(0.3)

    made: dict[str, Array] = {
        "household_id": np.arange(number * BLOCK, (number + 1) * BLOCK, dtype=np.int64),
        "division": d.choice(0.6, 0.4),
        "applied_on": FIRST_DAY + d.below(DAYS),
        "cause": cause,
        "household_size": size.astype(np.int32),
        "recognised": recognised,
        "annual_income_per_head": np.where(poor, income * 35 // 100, income),
        "income_exception": d.chance(0.01),
        "financial_assets": d.money(12_000, 1.3) // np.where(poor, 4, 1),
        "dwellings": d.choice(0.12, 0.82, 0.06).astype(np.int32),
        "vehicles": (d.choice(0.82, 0.16, 0.02) * (recognised != RECOGNISED.index("tekun"))).astype(np.int32),
        "deaths": deaths.astype(np.int32),
        "serious_injuries": injuries.astype(np.int32),
        "dwelling_uninhabitable": ((cause <= FIRE) & d.chance(0.62)) | d.chance(0.005),
        "emergency_admission": (ill & d.chance(0.87)) | d.chance(0.02),
        "expected_self_paid": d.money(18_000, 0.9) * ill,
        "medical_bill": bill,
        "basic_insurance": covered - critical - commercial - aid,
        "critical_illness_insurance": critical,
        "commercial_insurance": commercial,
        "medical_aid": aid,
        "students_preschool": preschool.astype(np.int32),
        "students_senior_high": senior.astype(np.int32),
        "students_college": college.astype(np.int32),
        "education_net_expense": d.money(4_500, 0.7) * (students > 0),
        "severely_disabled_members": disabled.astype(np.int32),
        "carers_unable_to_work": carers.astype(np.int32),
        "care_months": d.below(13) * (carers > 0),
        "county_situation": ((cause == OTHER) & d.chance(0.7)).astype(np.int8),
        # Grants are whole yuan and never below 300.
        "granted_last_12_months": np.maximum(d.money(2_000, 0.7) // 100 * 100, 30_000) * earlier,
        "same_cause_within_12_months": repeated,
        "repeat_justified": repeated & d.chance(0.3),
    }
    return {name: values[:rows] for name, values in made.items()}


def _part(whole: Array, percent: Array, where: Array) -> Array:
    part: Array = whole * (percent * where) // 100
    return part


def unknown(number: int, rows: int, seed: int, share: float, facts: list[str]) -> dict[str, Array]:
    """For each fact, which of a block's first ``rows`` households do not know it.

    A larger share leaves unknown what a smaller one does, and more.
    """
    d = Draws(seed, number, 1)
    return {fact: d.chance(share)[:rows] for fact in facts}


# --- tables and files --------------------------------------------------------------------------------------

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
CHOICES = {"cause": CAUSES, "recognised": RECOGNISED, "county_situation": SITUATIONS, "division": TOWNSHIPS}
KEPT = ("household_id", "division", "applied_on")
"""Always known, whatever share of the facts is missing."""


def decimal(fen: Array, unknown: Array | None = None) -> pa.Array:
    """Whole fen as DECIMAL(18, 2) yuan, without a copy through Python."""
    words = np.empty((len(fen), 2), dtype="<i8")
    words[:, 0] = fen
    np.right_shift(words[:, 0], 63, out=words[:, 1])
    valid = None if unknown is None else pa.py_buffer(np.packbits(~unknown, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(fen), [valid, pa.py_buffer(words)])


def as_table(columns: Mapping[str, Array], unknown: Mapping[str, Array] | None = None) -> pa.Table:
    """Columns as ``block`` makes them as an Arrow table; what is ``unknown`` becomes NULL."""
    return _table(columns, unknown or {}, as_text=True)


def _table(columns: Mapping[str, Array], unknown: Mapping[str, Array], as_text: bool) -> pa.Table:
    arrays: dict[str, pa.Array] = {}
    for name, values in columns.items():
        mask = unknown.get(name)
        if name in MONEY:
            arrays[name] = decimal(values, mask)
        elif name in CHOICES:
            coded = pa.DictionaryArray.from_arrays(pa.array(values, mask=mask), pa.array(CHOICES[name]))
            arrays[name] = coded.cast(pa.string()) if as_text else coded
        elif name == "applied_on":
            arrays[name] = pa.array(values, pa.int32(), mask=mask).cast(pa.date32())
        else:
            arrays[name] = pa.array(values, mask=mask)
    return pa.table(arrays)


def tables(
    rows: int, seed: int, *, missing: float = 0.0, chunk: int = CHUNK, as_text: bool = True
) -> Iterator[pa.Table]:
    """The population piece by piece, at most ``chunk`` households (rounded up to whole blocks) at a time.

    Without rows there is still one piece, which is empty. With ``as_text`` false, choices are dictionaries.
    """
    if rows < 0 or seed < 0 or not 0 <= missing <= 1 or chunk < 1:
        raise JiujiError(
            f"户数 {rows}、种子 {seed} 不得小于 0，比例 {missing} 应在 0 至 1 之间，每批 {chunk} 至少为 1。",
            f"Rows {rows} and seed {seed} must not be below zero, the share missing {missing} must lie "
            f"between 0 and 1, and the chunk {chunk} must be at least 1.",
        )
    held: list[pa.Table] = []
    for number in range(max(-(-rows // BLOCK), 1)):
        count = min(BLOCK, rows - number * BLOCK)
        columns = block(number, count, seed)
        asked = [name for name in columns if name not in KEPT]
        masks = unknown(number, count, seed, missing, asked) if missing else {}
        held.append(_table(columns, masks, as_text))
        if len(held) * BLOCK >= chunk:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def write_population(
    path: str | Path,
    rows: int,
    seed: int,
    *,
    missing: float = 0.0,
    progress: Progress | None = None,
    chunk: int = CHUNK,
) -> None:
    """Write a population as Parquet or CSV, by extension, chunk by chunk; memory does not grow with ``rows``.

    The same seed gives the same values whatever ``chunk`` is, and the first N rows of a larger population
    equal the population of N. ``missing`` is the share of facts (0 to 1) set to NULL; ``household_id``,
    ``division`` and ``applied_on`` are always there. Columns: money DECIMAL(18,2) in yuan, choices and
    ``division`` text, counts INT32, ``household_id`` INT64, ``applied_on`` DATE from 2024-01-01 to
    2026-12-31. ``progress`` gets (rows written, rows).

    The file is written under another name first and appears only when it is whole. Raises JiujiError for an
    unknown extension or impossible arguments, OSError where the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".parquet", ".csv"):
        raise JiujiError(
            f"{path.name} 的格式未知，请用 .parquet 或 .csv。",
            f"The format of {path.name} is not known; use .parquet or .csv.",
        )
    partial = path.with_name(f".{path.name}.partial")
    writer: Any = None
    done = 0
    try:
        for table in tables(rows, seed, missing=missing, chunk=chunk, as_text=kind == ".csv"):
            if writer is None:
                writer = _open(partial, kind, table.schema)
            if kind == ".csv":
                writer.write_table(table)
            else:
                writer.write_table(table, row_group_size=max(table.num_rows, 1))
            done += table.num_rows
            if progress:
                progress(done, rows)
        writer.close()
        os.replace(partial, path)
    finally:
        if writer is not None:
            writer.close()
        partial.unlink(missing_ok=True)


def _open(path: Path, kind: str, schema: pa.Schema) -> Any:
    if kind == ".csv":
        return pyarrow.csv.CSVWriter(path, schema)
    return pq.ParquetWriter(
        path,
        schema,
        compression="snappy",
        use_dictionary=[f.name for f in schema if f.name in CHOICES or pa.types.is_int32(f.type)],
        store_decimal_as_integer=True,
        store_schema=False,  # choices are plain text to every reader
    )
