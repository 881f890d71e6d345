"""The same SQL on DuckDB, PostgreSQL and Spark: rows in, decision columns out."""

from __future__ import annotations

import datetime as dt
import functools
import os
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from jiuji.rulebook.decision import Rulebook
from jiuji.rulebook.sql import COLUMNS, compile_sql

TYPES = {
    "duckdb": {"boolean": "BOOLEAN", "integer": "INTEGER", "money": "DECIMAL(18,2)", "date": "DATE", "enum": "VARCHAR"},
    "postgres": {"boolean": "boolean", "integer": "integer", "money": "numeric(18,2)", "date": "date", "enum": "text"},
    "spark": {"boolean": "boolean", "integer": "int", "money": "decimal(18,2)", "date": "date", "enum": "string"},
}


def value(kind: str, raw: Any) -> Any:
    if raw is None:
        return None
    if kind == "money":
        return Decimal(str(raw))
    return dt.date.fromisoformat(raw) if kind == "date" else raw


def rows_of(rulebook: Rulebook, cases: list[dict[str, Any]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    facts = rulebook.program.facts
    names = [n for n in facts if any(n in c for c in cases)]
    rows = []
    for case in cases:
        defaults = {
            n: f.type.values[f.default] if f.kind == "enum" else bool(f.default)
            for n, f in facts.items()
            if f.default is not None
        }
        rows.append(tuple(value(facts[n].kind, case.get(n, defaults.get(n))) for n in names))
    return names, rows


def literal(kind: str, raw: Any) -> str:
    if raw is None:
        return "NULL"
    if kind == "boolean":
        return "TRUE" if raw else "FALSE"
    if kind == "date":
        return f"DATE '{raw.isoformat()}'"
    return f"'{raw}'" if kind == "enum" else str(raw)


def create(rulebook: Rulebook, dialect: str, names: list[str], rows: list[tuple[Any, ...]]) -> str:
    facts = rulebook.program.facts
    columns = [f"CAST(c{i} AS {TYPES[dialect][facts[n].kind]}) AS {n}" for i, n in enumerate(names)]
    body = ", ".join(
        "(" + ", ".join(literal(facts[n].kind, v) for n, v in zip(names, r, strict=True)) + f", {i})"
        for i, r in enumerate(rows)
    )
    heads = ", ".join([*(f"c{i}" for i in range(len(names))), "row_no"])
    return f"(SELECT {', '.join(columns)}, row_no FROM (VALUES {body}) AS v({heads}))"


def clean(row: tuple[Any, ...]) -> dict[str, Any]:
    out = dict(zip(COLUMNS, row, strict=True))
    for key in ("amount", "range_least", "range_most"):
        out[key] = None if out[key] is None else f"{Decimal(out[key]):.2f}"
    out["reasons"], out["missing"] = list(out["reasons"]), list(out["missing"])
    return out


def query(rulebook: Rulebook, dialect: str, cases: list[dict[str, Any]]) -> str:
    names, rows = rows_of(rulebook, cases)
    complete = {n for i, n in enumerate(names) if all(r[i] is not None for r in rows)}
    table = create(rulebook, dialect, names, rows)
    decided = compile_sql(
        rulebook.program, dialect, "numbered", columns=names, complete=complete, keep=False, carry=["row_no"]
    )
    return f"WITH numbered AS {table}\nSELECT * FROM ({decided}) AS decided\nORDER BY row_no"


def run(rulebook: Rulebook, dialect: str, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    text = query(rulebook, dialect, cases)
    if dialect == "duckdb":
        with duckdb.connect() as connection:
            found = connection.execute(text).fetchall()
    elif dialect == "postgres":
        import psycopg

        with psycopg.connect(postgres_dsn(), connect_timeout=3) as connection:
            found = connection.execute(text).fetchall()
    else:
        found = [tuple(r) for r in spark().sql(text).collect()]
    return [clean(tuple(r)[1:]) for r in found]


def postgres_dsn() -> str:
    return os.environ.get("JIUJI_TEST_POSTGRES", "dbname=postgres")


@functools.cache
def spark() -> Any:
    from pyspark.sql import SparkSession

    return (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )


@functools.cache
def why_not(dialect: str) -> str:
    """Empty where the engine can be used here, otherwise the reason."""
    if dialect == "postgres":
        try:
            import psycopg

            psycopg.connect(postgres_dsn(), connect_timeout=3).close()
        except Exception as error:
            return f"no PostgreSQL server answers ({type(error).__name__}); set JIUJI_TEST_POSTGRES"
    if dialect == "spark":
        import shutil

        try:
            import pyspark  # noqa: F401
        except ImportError:
            return "PySpark is not installed (make spark)"
        if shutil.which("java") is None:
            return "Java is not installed"
    return ""


def need(dialect: str) -> None:
    """Skip with the reason where an engine is missing; fail under CI."""
    reason = why_not(dialect)
    if reason and os.environ.get("CI"):
        pytest.fail(f"CI must have every engine: {reason}")
    if reason:
        pytest.skip(reason)
