"""The compiled loop decides every complete household as the SQL batch and the single case do."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jiuji.rulebook import load
from jiuji.rulebook.batch import decide_batch, decide_table
from jiuji.rulebook.decision import yuan
from jiuji.rulebook.kernel import Kernel, decide_arrow
from jiuji.rulebook.population import as_table, block, write_population
from tests import engines, oracle


@pytest.fixture(scope="module")
def county():
    return load("150199")


@pytest.fixture(scope="module")
def kernel(county):
    return Kernel(county.program)


def test_a_population_is_decided_alike_by_loop_and_by_sql(county, kernel):
    table = as_table(block(0, 20_000, 5))
    assert decide_arrow(kernel, table).equals(decide_table(county, table).cast(decide_arrow(kernel, table).schema))


def test_cases_on_the_lines_of_the_standard_are_decided_alike_by_loop_and_by_single_case(county, kernel):
    rng = random.Random(11)
    cases = [oracle.random_case(rng) for _ in range(2_000)]
    names, rows = engines.rows_of(county, cases)
    kinds = {
        "boolean": pa.bool_(),
        "integer": pa.int32(),
        "money": pa.decimal128(18, 2),
        "date": pa.date32(),
        "enum": pa.string(),
    }
    facts = county.program.facts
    table = pa.table({n: pa.array([r[i] for r in rows], kinds[facts[n].kind]) for i, n in enumerate(names)})
    decided = decide_arrow(kernel, table).to_pylist()
    for case, row in zip(cases, decided, strict=True):
        mine = county.decide(case)
        assert (
            row["result"],
            row["tier"],
            row["authority"],
            row["reasons"],
            row["special_panel"],
            row["category"],
        ) == (
            mine.result,
            mine.tier,
            mine.authority,
            mine.reasons,
            mine.special_panel,
            mine.category,
        )
        assert (None if row["amount"] is None else f"{row['amount']:.2f}") == yuan(mine.amount)


def test_unknown_facts_and_impossible_rows_fall_back_to_sql_and_nothing_is_lost(county, tmp_path):
    source, by_loop, by_sql = tmp_path / "p.parquet", tmp_path / "loop.parquet", tmp_path / "sql.parquet"
    write_population(source, 3_000, 9, missing=0.05)
    table = pq.read_table(source)
    sizes = table["household_size"].to_pylist()
    sizes[17] = 0
    index = table.column_names.index("household_size")
    pq.write_table(table.set_column(index, "household_size", pa.array(sizes, pa.int32())), source)
    first = decide_batch(county, source, by_loop, engine="kernel")
    second = decide_batch(county, source, by_sql)
    assert first.results == second.results
    assert first.errors == {"household_size": 1}
    assert pq.read_table(by_loop).to_pylist() == pq.read_table(by_sql).to_pylist()


def test_the_first_impossible_row_is_named(kernel):
    columns = block(0, 100, 3)
    columns = {**columns, "deaths": columns["deaths"].copy()}
    columns["deaths"][42] = -1
    columns["applied_on"] = columns["applied_on"].astype(np.int32)
    with pytest.raises(Exception, match="Row 43: deaths"):
        kernel.decide(columns)
