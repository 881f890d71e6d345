"""A plausible synthetic population of any size from a seed, for simulation and measurement.

Nobody in it exists. The columns are the facts of the example county's standard, with ``household_id`` and
``division`` (township code). Rows are made in blocks of fixed size, each with its own seed, so that the first rows of
a larger population equal the smaller one and memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

BLOCK = 250_000
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
CAUSE_SHARES = (0.015, 0.02, 0.04, 0.005, 0.10, 0.03, 0.58, 0.08, 0.08, 0.05)
RECOGNISED = ("none", "dibao", "tekun")
SITUATIONS = ("none", "breadwinner_absent")
TOWNSHIPS = ("150199100000", "150199101000")
S_2026 = 860

Array = np.ndarray


def block(number: int, rows: int, seed: int) -> dict[str, Array]:
    """One block of households as numpy columns; money in fen (int64), choices as codes (int8), dates as days."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    n = BLOCK
    size = np.clip(rng.poisson(1.9, n) + 1, 1, 9).astype(np.int32)
    recognised = rng.choice(3, n, p=(0.86, 0.12, 0.02)).astype(np.int8)
    cause = rng.choice(10, n, p=CAUSE_SHARES).astype(np.int8)
    income = np.exp(rng.normal(10.0, 0.55, n)) * 100 * np.where(recognised > 0, 0.35, 1.0)
    bill = np.exp(rng.normal(10.1, 1.1, n)) * 100
    covered = rng.beta(6, 4, n)
    split = rng.dirichlet((7, 2, 0.4, 1.2), n)
    deductions = (bill * covered)[:, None] * split
    deductions[:, 2] *= rng.random(n) < 0.12
    disabled = np.minimum(rng.choice(4, n, p=(0.80, 0.16, 0.03, 0.01)), size)
    disabled = np.where((cause == 8) & (disabled == 0), 1, disabled).astype(np.int32)
    carers = np.minimum(rng.choice(3, n, p=(0.55, 0.38, 0.07)) + (cause == 8), size).astype(np.int32)
    spare = np.maximum(size - 1, 0)
    college = np.minimum(rng.choice(3, n, p=(0.84, 0.14, 0.02)) + ((cause == 7) & (rng.random(n) < 0.5)), spare)
    senior = np.minimum(rng.choice(3, n, p=(0.85, 0.13, 0.02)), spare - college)
    preschool = np.minimum(rng.choice(3, n, p=(0.85, 0.13, 0.02)), spare - college - senior)
    accident = cause < 4
    deaths = np.where(accident, rng.choice(3, n, p=(0.72, 0.22, 0.06)), 0)
    injuries = np.where(accident, rng.choice(4, n, p=(0.55, 0.28, 0.12, 0.05)), 0)
    lost = np.where(cause < 2, rng.random(n) < 0.62, rng.random(n) < 0.02)
    earlier = np.where(rng.random(n) < 0.15, np.exp(rng.normal(7.6, 0.7, n)) * 100, 0)
    first = np.datetime64("2024-01-01").astype("datetime64[D]").astype(np.int64)
    made: dict[str, Array] = {
        "household_id": np.arange(number * BLOCK, number * BLOCK + n, dtype=np.int64),
        "division": rng.integers(0, len(TOWNSHIPS), n, dtype=np.int8),
        "applied_on": (first + rng.integers(0, 1096, n)).astype(np.int32),
        "cause": cause,
        "household_size": size,
        "recognised": recognised,
        "annual_income_per_head": income.astype(np.int64),
        "income_exception": rng.random(n) < 0.01,
        "financial_assets": (np.exp(rng.normal(9.2, 1.3, n)) * 100).astype(np.int64),
        "dwellings": rng.choice(3, n, p=(0.12, 0.82, 0.06)).astype(np.int32),
        "vehicles": rng.choice(3, n, p=(0.82, 0.16, 0.02)).astype(np.int32),
        "deaths": deaths.astype(np.int32),
        "serious_injuries": injuries.astype(np.int32),
        "dwelling_uninhabitable": lost.astype(bool),
        "emergency_admission": rng.random(n) < 0.85,
        "expected_self_paid": (np.exp(rng.normal(9.6, 0.9, n)) * 100).astype(np.int64),
        "medical_bill": bill.astype(np.int64),
        "basic_insurance": deductions[:, 0].astype(np.int64),
        "critical_illness_insurance": deductions[:, 1].astype(np.int64),
        "commercial_insurance": deductions[:, 2].astype(np.int64),
        "medical_aid": deductions[:, 3].astype(np.int64),
        "students_preschool": preschool.astype(np.int32),
        "students_senior_high": senior.astype(np.int32),
        "students_college": college.astype(np.int32),
        "education_net_expense": (np.exp(rng.normal(8.3, 0.7, n)) * 100).astype(np.int64),
        "severely_disabled_members": disabled,
        "carers_unable_to_work": carers,
        "care_months": rng.integers(0, 13, n).astype(np.int32),
        "county_situation": np.where(cause == 9, rng.random(n) < 0.7, False).astype(np.int8),
        "granted_last_12_months": earlier.astype(np.int64),
        "same_cause_within_12_months": rng.random(n) < 0.05,
        "repeat_justified": rng.random(n) < 0.02,
    }
    return {name: values[:rows] for name, values in made.items()}


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


def decimal(fen: Array) -> pa.Array:
    """Whole fen as DECIMAL(18, 2) yuan, without a copy through Python."""
    words = np.empty((len(fen), 2), dtype=np.int64)
    words[:, 0], words[:, 1] = fen, fen >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(fen), [None, pa.py_buffer(words.tobytes())])


def as_table(columns: dict[str, Array], missing: float = 0.0, seed: int = 0) -> pa.Table:
    """The columns as an Arrow table; ``missing`` is the share of facts set to NULL."""
    rng = np.random.default_rng(
        np.random.SeedSequence([seed, 7, int(columns["household_id"][0]) if len(columns["household_id"]) else 0])
    )
    arrays: dict[str, pa.Array] = {}
    for name, values in columns.items():
        array: pa.Array
        if name in CHOICES:
            array = pa.DictionaryArray.from_arrays(pa.array(values), pa.array(CHOICES[name])).cast(pa.string())
        elif name in MONEY:
            array = decimal(values)
        elif name == "applied_on":
            array = pa.array(values, pa.int32()).cast(pa.date32())
        else:
            array = pa.array(values)
        if missing and name not in KEPT:
            import pyarrow.compute as pc

            array = pc.if_else(pa.array(rng.random(len(values)) < missing), pa.scalar(None, array.type), array)
        arrays[name] = array
    return pa.table(arrays)


def blocks(rows: int, seed: int) -> Iterator[dict[str, Array]]:
    for number in range(-(-rows // BLOCK)):
        yield block(number, min(BLOCK, rows - number * BLOCK), seed)


def write_population(
    path: Path, rows: int, seed: int, *, missing: float = 0.0, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write a population as Parquet, or CSV by extension, block by block.

    The same seed gives the same households; the first N of a larger population equal the population of N.
    """
    writer: pq.ParquetWriter | pyarrow.csv.CSVWriter | None = None
    done = 0
    try:
        for columns in blocks(rows, seed):
            table = as_table(columns, missing, seed)
            if writer is None:
                if path.suffix.lower() == ".csv":
                    writer = pyarrow.csv.CSVWriter(path, table.schema)
                else:
                    writer = pq.ParquetWriter(path, table.schema, compression="snappy", store_decimal_as_integer=True)
            writer.write_table(table)
            done += table.num_rows
            if progress:
                progress(done, rows)
    finally:
        if writer is not None:
            writer.close()
