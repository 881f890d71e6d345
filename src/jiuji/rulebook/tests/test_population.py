"""The synthetic population: the same from the same seed, plausible, consistent, written in pieces."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jiuji.rulebook import JiujiError, load
from jiuji.rulebook.batch import decide_batch
from jiuji.rulebook.population import (
    BLOCK,
    CHOICES,
    CHUNK,
    KEPT,
    MONEY,
    TOWNSHIPS,
    as_table,
    block,
    tables,
    write_population,
)


@pytest.fixture(scope="module")
def county():
    return load("150199")


@pytest.fixture(scope="module")
def households() -> dict[str, np.ndarray]:
    parts = [block(number, BLOCK, 20260101) for number in range(4)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def share(values) -> float:
    return float(np.mean(values))


def cause(households, *names: str):
    return np.isin(households["cause"], [CHOICES["cause"].index(name) for name in names])


# --- the same from the same seed -------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_file_and_another_seed_another(tmp_path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_population(tmp_path / f"{name}.parquet", 5_000, seed)
    a, b, c = ((tmp_path / f"{name}.parquet").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_a_seed_gives_the_households_it_has_always_given() -> None:
    """Whole numbers only: the same on every machine. A change here is another population for every seed."""
    told = hashlib.sha256()
    for name, values in sorted(block(1, 5_000, 42).items()):
        told.update(name.encode() + np.ascontiguousarray(values).tobytes())
    assert told.hexdigest() == "e3b2288782a13999ba582420e24a53a1e24913dd7df7e516f2bf2029c2b3776a"


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_first_rows_of_a_larger_population_are_the_smaller_one(tmp_path, missing: float) -> None:
    small, large = tmp_path / "small.parquet", tmp_path / "large.parquet"
    write_population(small, BLOCK + 1_234, 3, missing=missing)
    write_population(large, 2 * BLOCK + 99, 3, missing=missing)
    assert pq.read_table(large).slice(0, BLOCK + 1_234).equals(pq.read_table(small))


def test_the_chunk_size_does_not_matter(tmp_path) -> None:
    whole, pieces = tmp_path / "whole.parquet", tmp_path / "pieces.parquet"
    write_population(whole, 3 * BLOCK + 7, 3, missing=0.1)
    write_population(pieces, 3 * BLOCK + 7, 3, missing=0.1, chunk=1)
    assert pq.ParquetFile(whole).num_row_groups == 1
    assert pq.ParquetFile(pieces).num_row_groups == 4
    assert pq.read_table(whole).equals(pq.read_table(pieces))


def test_unknown_facts_change_no_known_one(tmp_path) -> None:
    full, gaps = as_table(block(0, 2_000, 5)), next(tables(2_000, 5, missing=0.4))
    for name in full.column_names:
        known = gaps[name].is_valid()
        assert gaps[name].filter(known).combine_chunks().equals(full[name].filter(known).combine_chunks())


# --- what it holds ---------------------------------------------------------------------------------------


def test_the_columns_are_the_facts_of_the_example_county(county) -> None:
    facts = county.program.facts
    made = as_table(block(0, 10, 1))
    assert set(made.column_names) == {*facts, "household_id", "division"}
    kinds = {
        "money": pa.decimal128(18, 2),
        "integer": pa.int32(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "enum": pa.string(),
    }
    assert {n: made.schema.field(n).type for n in facts} == {n: kinds[f.kind] for n, f in facts.items()}
    assert made.schema.field("division").type == pa.string()
    for name, fact in facts.items():
        if fact.kind == "enum":
            assert set(CHOICES[name]) == set(fact.value_labels)


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_no_household_contradicts_itself_or_the_standard(county, tmp_path, missing: float) -> None:
    source, target = tmp_path / "p.parquet", tmp_path / "decided.parquet"
    write_population(source, 20_000, 11, missing=missing)
    decided = decide_batch(county, source, target)
    assert decided.errors == {}
    assert decided.results["granted"] > 500 and decided.results["refused"] > 500
    assert ("undetermined" in decided.results) == bool(missing)


def test_every_way_to_a_grant_and_to_a_refusal_is_walked(county, tmp_path) -> None:
    source, target = tmp_path / "p.parquet", tmp_path / "decided.parquet"
    write_population(source, 60_000, 2)
    decide_batch(county, source, target)
    asked = "SELECT DISTINCT category, tier FROM read_parquet(?) WHERE result = 'granted'"
    granted = set(duckdb.execute(asked, [str(target)]).fetchall())
    three = {(clause, tier) for clause in ("2.1.1", "2.1.2", "2.2.3", "2.2.4") for tier in (1, 2, 3)}
    assert granted == three | {("2.2.5", 1), ("2.2.5", 2), ("2.2.6", 1)}
    asked = "SELECT DISTINCT unnest(reasons) FROM read_parquet(?) WHERE result = 'refused'"
    refused = {clause for (clause,) in duckdb.execute(asked, [str(target)]).fetchall()}
    assert refused == {"2.1.1", "2.1.2", "2.2", "2.2.3", "2.2.4", "2.2.5", "2.2.6", "3.0", "4.1"}
    asked = "SELECT count(*) FROM read_parquet(?) WHERE special_panel"
    assert duckdb.execute(asked, [str(target)]).fetchall()[0][0] > 0


def test_members_are_never_outnumbered(households) -> None:
    h = households
    size = h["household_size"]
    assert size.min() == 1 and 6 <= size.max() <= 10
    assert (h["deaths"] + h["serious_injuries"] <= size).all()
    assert (h["severely_disabled_members"] + h["carers_unable_to_work"] <= size).all()
    students = h["students_preschool"] + h["students_senior_high"] + h["students_college"]
    assert (students < size).all()  # an adult is there
    assert ((students > 0) == (h["education_net_expense"] > 0)).all()
    assert share(students[cause(h, "education_expense")] > 0) > 0.85
    assert (h["severely_disabled_members"][cause(h, "disability_care")] >= 1).all()
    assert (h["care_months"] >= 0).all() and h["care_months"].max() == 12
    assert (h["care_months"][h["carers_unable_to_work"] == 0] == 0).all()


def test_deductions_are_between_40_and_85_percent_of_the_bill_to_the_fen(households) -> None:
    h = households
    names = ("basic_insurance", "critical_illness_insurance", "commercial_insurance", "medical_aid")
    parts = [h[name] for name in names]
    together = np.sum(parts, axis=0)
    assert all((part >= 0).all() for part in parts)
    assert (together * 100 >= h["medical_bill"] * 40).all()
    assert (together * 100 <= h["medical_bill"] * 85).all()
    assert share(h["basic_insurance"] % 100 != 0) > 0.9  # amounts to the fen
    assert all(part.any() for part in parts)


def test_bills_have_a_heavy_tail(households) -> None:
    bills = households["medical_bill"][cause(households, "medical_expense")] / 100
    assert 20_000 < np.median(bills) < 35_000
    assert np.mean(bills) > 1.4 * np.median(bills)
    assert np.quantile(bills, 0.999) > 15 * np.median(bills)
    assert bills.max() < 10_000_000


def test_shares_are_those_of_a_banner(households) -> None:
    h = households
    recognised = [share(h["recognised"] == code) for code in range(3)]
    assert recognised == pytest.approx([0.86, 0.12, 0.02], abs=0.005)
    assert 0.5 < share(cause(h, "medical_expense")) < 0.65
    assert all(share(h["cause"] == code) > 0.003 for code in range(10))
    income = h["annual_income_per_head"][h["recognised"] == 0] / 100
    assert np.median(income) == pytest.approx(26_000, rel=0.02)
    assert np.std(np.log(income)) == pytest.approx(0.5, abs=0.02)
    assert share(h["granted_last_12_months"] > 0) == pytest.approx(0.15, abs=0.01)
    assert (h["granted_last_12_months"][h["same_cause_within_12_months"]] > 0).all()
    assert h["same_cause_within_12_months"][h["repeat_justified"]].all()
    assert 2 < np.mean(h["household_size"]) < 3.5
    assert not h["deaths"][~cause(h, "natural_disaster", "fire", "traffic_accident", "drowning")].any()


def test_applications_are_spread_over_the_three_years() -> None:
    made = as_table(block(0, BLOCK, 1))
    days = made["applied_on"].to_pylist()
    assert min(days) == dt.date(2024, 1, 1) and max(days) == dt.date(2026, 12, 31)
    assert len(set(days)) == 1_096
    assert set(made["division"].to_pylist()) == set(TOWNSHIPS)
    assert all(len(code) == 12 and code.startswith("150199") for code in TOWNSHIPS)


# --- the file --------------------------------------------------------------------------------------------


def test_missing_is_the_share_of_facts_left_unknown() -> None:
    (made,) = tables(BLOCK, 4, missing=0.25)
    for name in made.column_names:
        assert made[name].null_count / BLOCK == pytest.approx(0 if name in KEPT else 0.25, abs=0.01), name
    (nothing,) = tables(500, 4, missing=1.0)
    assert all(nothing[name].null_count == (0 if name in KEPT else 500) for name in nothing.column_names)


def test_parquet_and_csv_hold_the_same(tmp_path) -> None:
    for name in ("p.parquet", "p.csv"):
        write_population(tmp_path / name, 3_000, 6, missing=0.2)
    types = dict.fromkeys(MONEY, "DECIMAL(18,2)") | {"division": "VARCHAR"}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    rows = duckdb.execute(f"SELECT * FROM read_csv('{tmp_path}/p.csv', types = {{{columns}}})").fetchall()
    assert rows == duckdb.execute(f"SELECT * FROM read_parquet('{tmp_path}/p.parquet')").fetchall()


def test_money_is_exact_and_choices_are_plain_text_to_a_reader(tmp_path) -> None:
    write_population(tmp_path / "p.parquet", 1_000, 6)
    read = pq.read_table(tmp_path / "p.parquet")
    assert read.schema.field("medical_bill").type == pa.decimal128(18, 2)
    assert read.schema.field("cause").type == pa.string()
    fen = block(0, 1_000, 6)["medical_bill"]
    assert read["medical_bill"].to_pylist() == [Decimal(int(f)) / 100 for f in fen]


def test_large_populations_are_streamed(tmp_path) -> None:
    """Progress tells of each chunk as it is written, and no more than one chunk is held at a time."""
    told: list[tuple[int, int]] = []
    rows, chunk = 5 * BLOCK + 10, 2 * BLOCK
    begun = pa.total_allocated_bytes()
    held: list[int] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        held.append(pa.total_allocated_bytes() - begun)

    write_population(tmp_path / "p.parquet", rows, 1, chunk=chunk, progress=progress)
    assert told == [(chunk, rows), (2 * chunk, rows), (rows, rows)]
    groups = pq.ParquetFile(tmp_path / "p.parquet").metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [chunk, chunk, BLOCK + 10]
    assert max(held) < 400 * chunk
    assert max(t.num_rows for t in tables(2 * CHUNK, 1)) == CHUNK


def test_two_hundred_thousand_households_take_seconds(tmp_path) -> None:
    begun = time.perf_counter()
    write_population(tmp_path / "p.parquet", 200_000, 1)
    assert time.perf_counter() - begun < 10  # some 0.3 s; the bound only says that no row is walked in Python
    assert pq.ParquetFile(tmp_path / "p.parquet").metadata.num_rows == 200_000


def test_a_population_of_nobody_is_an_empty_table(tmp_path) -> None:
    for name in ("p.parquet", "p.csv"):
        write_population(tmp_path / name, 0, 1)
    assert pq.read_table(tmp_path / "p.parquet").num_rows == 0
    assert (tmp_path / "p.csv").read_text().startswith('"household_id"')


def test_an_interrupted_run_leaves_no_file_and_keeps_the_one_before(tmp_path) -> None:
    path = tmp_path / "p.parquet"
    path.write_bytes(b"before")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_population(path, 2 * BLOCK, 1, chunk=1, progress=stop)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "rows", "seed", "missing"),
    [("p.xlsx", 1, 1, 0), ("p", 1, 1, 0), ("p.csv", -1, 1, 0), ("p.csv", 1, -1, 0), ("p.csv", 1, 1, 1.5)],
)
def test_it_rejects_what_cannot_be(tmp_path, name: str, rows: int, seed: int, missing: float) -> None:
    with pytest.raises(JiujiError) as caught:
        write_population(tmp_path / name, rows, seed, missing=missing)
    assert caught.value.zh and caught.value.en
    assert list(tmp_path.iterdir()) == []
