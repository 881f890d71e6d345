"""Many households: a table in, the same table with the decision's columns out, streaming.

DuckDB reads and writes Parquet, CSV and Arrow files and runs the rulebook's SQL; a file larger than memory passes
through in pieces. A row that cannot be (a value out of range, a contradiction, a date without a standard) gets
``result = 'invalid'`` and its key in ``error``; the others go on.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.ipc

from .decision import Rulebook
from .errors import CaseError
from .program import FactDef
from .sql import COLUMNS, DIALECTS, _Sql

Progress = Callable[[int, int], None]
#: Rows decided at a time: some 200 MB with the forty columns of a case.
PIECE = 500_000
READERS = {".parquet": "parquet", ".csv": "csv", ".arrow": "arrow", ".feather": "arrow"}

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"}
_KINDS: dict[str, Callable[[str], bool]] = {
    "boolean": lambda t: t == "BOOLEAN",
    "integer": lambda t: t in _INTEGERS,
    "money": lambda t: t in _INTEGERS or t.startswith("DECIMAL") or t in ("DOUBLE", "FLOAT"),
    "ratio": lambda t: t in _INTEGERS or t.startswith("DECIMAL") or t in ("DOUBLE", "FLOAT"),
    "date": lambda t: t == "DATE" or t.startswith("TIMESTAMP"),
    "enum": lambda t: t == "VARCHAR" or t.startswith("ENUM"),
}
_CSV_TYPES = {
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "money": "DECIMAL(18,2)",
    "ratio": "DOUBLE",
    "date": "DATE",
    "enum": "VARCHAR",
}


@dataclass
class Summary:
    """What a batch came to: rows by result, and invalid rows by the key at fault."""

    rows: int
    results: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)


def format_of(path: Path) -> str:
    """parquet, csv or arrow by extension. Raises CaseError."""
    found = READERS.get(path.suffix.lower())
    if found is None:
        raise CaseError(
            f"{path.name} 的格式未知，请用 {'、'.join(READERS)}。",
            f"The format of {path.name} is not known; use {', '.join(READERS)}.",
        )
    return found


def open_database(memory: str = "1GB", threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """An embedded database with bounded memory, spilling to a temporary folder."""
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '{memory}'")
    connection.execute(f"SET temp_directory = '{tempfile.gettempdir()}/jiuji-spill'")
    connection.execute("SET enable_progress_bar = false")
    if threads:
        connection.execute(f"SET threads = {threads}")
    return connection


def quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def source_sql(connection: duckdb.DuckDBPyConnection, rulebook: Rulebook, path: Path) -> str:
    """The FROM item that reads a file. Raises CaseError when it cannot be read."""
    if not path.is_file():
        raise CaseError(f"没有文件 {path}，请核对路径。", f"There is no file {path}; check the path.")
    kind = format_of(path)
    if kind == "parquet":
        return f"read_parquet({quoted(path)})"
    if kind == "csv":
        try:
            names = [
                r[0]
                for r in connection.execute(
                    f"DESCRIBE SELECT * FROM read_csv({quoted(path)}, header = true, all_varchar = true)"
                ).fetchall()
            ]
        except duckdb.Error as error:
            raise _unreadable(path, error) from None
        types = ", ".join(
            f"'{n}': '{_CSV_TYPES[rulebook.program.facts[n].kind]}'" for n in names if n in rulebook.program.facts
        )
        typed = f", types = {{{types}}}" if types else ""
        return f"read_csv({quoted(path)}, header = true{typed})"
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    connection.register("arrow_input", table)
    return "arrow_input"


def _unreadable(path: Path, error: Exception) -> CaseError:
    first = str(error).splitlines()[0]
    return CaseError(
        f"{path} 无法读取：{first}。请核对文件内容。", f"{path} cannot be read: {first}. Check its content."
    )


def _broken_off(source: Path, target: Path, error: OSError) -> CaseError:
    """Arrow reports a damaged input and a full disk alike; only the latter carries the system's number."""
    if error.errno is None:
        return _unreadable(source, error)
    return CaseError(
        f"{target} 无法写入：{error.strerror}。请检查磁盘空间和权限，原有文件没有改动。",
        f"{target} cannot be written: {error.strerror}. Check the disk's space and your permission; no file was changed.",
    )


def columns_of(connection: duckdb.DuckDBPyConnection, source: str, path: Path, rulebook: Rulebook) -> dict[str, str]:
    """The input's columns and types. Raises CaseError for a fact of the wrong type or a name that is an output's."""
    try:
        found = {r[0]: str(r[1]) for r in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    except duckdb.Error as error:
        raise _unreadable(path, error) from None
    for name in found:
        if name in COLUMNS or name.startswith(("f_", "p_", "x_")) or name in ("k", "met", "refused", "standard_date"):
            raise CaseError(
                f"输入的列名 {name} 与结果或内部的列重名，请改名。",
                f"The input column {name} has the name of an output or inner column; rename it.",
                key=name,
            )
        fact = rulebook.program.facts.get(name)
        if fact is not None and not _KINDS[fact.kind](found[name]):
            raise _wrong_type(fact, found[name])
    if not any(n in rulebook.program.facts for n in found):
        raise CaseError(
            f"输入没有一列是事实。事实有：{'、'.join(rulebook.program.facts)}。",
            f"No column of the input is a fact. Facts: {', '.join(rulebook.program.facts)}.",
        )
    return found


def _wrong_type(fact: FactDef, found: str) -> CaseError:
    wanted = {
        "boolean": "BOOLEAN",
        "integer": "INTEGER",
        "money": "DECIMAL(18,2)",
        "ratio": "DOUBLE",
        "date": "DATE",
        "enum": "VARCHAR",
    }[fact.kind]
    return CaseError(
        f"列 {fact.name}（{fact.label['zh']}）的类型是 {found}，应为 {wanted}。请转换该列。",
        f"The column {fact.name} ({fact.label['en']}) is of type {found}; {wanted} is needed. Convert it.",
        key=fact.name,
    )


def complete_columns(
    connection: duckdb.DuckDBPyConnection, source: str, path: Path, columns: dict[str, str]
) -> set[str]:
    """Columns that the file itself says hold no NULL."""
    if format_of(path) != "parquet":
        return set()
    rows = connection.execute(
        "SELECT path_in_schema, count(*) = count(stats_null_count), sum(stats_null_count) "
        f"FROM parquet_metadata({quoted(path)}) GROUP BY 1"
    ).fetchall()
    return {name for name, told, nulls in rows if told and nulls == 0 and name in columns}


def batch_sql(
    rulebook: Rulebook,
    source: str,
    columns: dict[str, str],
    complete: set[str],
    on: dt.date | None,
    *,
    stream: bool = True,
) -> str:
    """The statement for one input; ``stream``: for copying out piece by piece, else for being summed over."""
    facts = {c for c in columns if c in rulebook.program.facts}
    maker = _Sql(rulebook.program, DIALECTS["duckdb"], facts, complete & facts, on)
    maker.stream = stream
    maker.inexact = {
        c
        for c in facts
        if columns[c] in ("DOUBLE", "FLOAT")
        or (columns[c].startswith("DECIMAL") and int(columns[c].rstrip(")").split(",")[1]) > 2)
    }
    return maker.select(source, True)


def decide_batch(
    rulebook: Rulebook,
    source: Path,
    target: Path,
    *,
    on: dt.date | None = None,
    everywhere: bool = False,
    memory: str = "1GB",
    threads: int | None = None,
    engine: str = "sql",
    progress: Progress | None = None,
) -> Summary:
    """Decide every row of ``source`` into ``target`` (Parquet, CSV or Arrow, by extension), in order.

    ``on``: the date of application where a row has none; with ``everywhere`` for all rows.

    ``engine``: ``sql`` (DuckDB), or ``kernel`` for Parquet to Parquet by a compiled loop (extra ``kernel``).

    ``target`` is written under another name first and appears only when it is whole.
    """
    kind = format_of(target)
    if engine == "kernel":
        if not kind == format_of(source) == "parquet":
            raise CaseError("kernel 方式只用于 Parquet 文件。", "The engine kernel is for Parquet files only.")
        return _by_kernel(rulebook, source, target, on, memory, progress)
    connection = open_database(memory, threads)
    reader = source_sql(connection, rulebook, source)
    columns = columns_of(connection, reader, source, rulebook)
    complete = complete_columns(connection, reader, source, columns)
    read = {c: t for c, t in columns.items() if c != "applied_on"} if everywhere else columns
    query = batch_sql(rulebook, reader, read, complete, on)
    partial = target.with_name(f".{target.name}.partial")
    try:
        if kind == "arrow":
            _write_arrow(connection, query, partial)
        elif kind == "csv":
            lists = ", ".join(f"array_to_string({c}, ' ') AS {c}" for c in ("reasons", "missing"))
            connection.execute(
                f"COPY (SELECT * REPLACE ({lists}) FROM ({query})) TO {quoted(partial)} (FORMAT csv, HEADER)"
            )
        else:
            connection.execute(
                f"COPY ({query}) TO {quoted(partial)} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880)"
            )
        summary = _summary(connection, partial, kind)
        partial.replace(target)
    except duckdb.Error as error:
        raise _unreadable(source, error) from None
    except OSError as error:
        raise _broken_off(source, target, error) from None
    finally:
        partial.unlink(missing_ok=True)
        connection.close()
    if progress:
        progress(summary.rows, summary.rows)
    return summary


def _by_kernel(
    rulebook: Rulebook, source: Path, target: Path, on: dt.date | None, memory: str, progress: Progress | None
) -> Summary:
    """Parquet to Parquet piece by piece through the compiled loop.

    A piece that holds unknown facts, or rows that cannot be, goes through SQL.
    """
    import pyarrow.parquet as pq

    from .kernel import Kernel, decide_arrow

    connection = open_database(memory)
    columns_of(connection, source_sql(connection, rulebook, source), source, rulebook)
    by_sql = TableDecider(rulebook, on, connection)
    kernel = Kernel(rulebook.program)
    facts = {f.name for f in kernel.facts}

    def decide(table: pa.Table) -> pa.Table:
        known = all(table[f].null_count == 0 for f in facts if f in table.column_names)
        if known and "applied_on" in table.column_names:
            with contextlib.suppress(CaseError, KeyError):
                return decide_arrow(kernel, table)
        return by_sql(table)

    partial = target.with_name(f".{target.name}.partial")
    summary = Summary(0)
    pool = pa.default_memory_pool()
    try:
        with pq.ParquetFile(source, pre_buffer=False, memory_map=False, buffer_size=1 << 20) as file:
            total = file.metadata.num_rows
            empty = file.schema_arrow.empty_table()
            schema = by_sql(empty).schema
            with pq.ParquetWriter(partial, schema, compression="snappy", store_decimal_as_integer=True) as writer:
                for batch in file.iter_batches(batch_size=PIECE):
                    decided = decide(pa.Table.from_batches([batch])).cast(schema)
                    writer.write_table(decided)
                    _add(summary, decided)
                    del batch, decided
                    pool.release_unused()
                    if progress:
                        progress(summary.rows, total)
        partial.replace(target)
        return summary
    except (duckdb.Error, pa.ArrowInvalid) as error:
        raise _unreadable(source, error) from None
    except OSError as error:
        raise _broken_off(source, target, error) from None
    finally:
        partial.unlink(missing_ok=True)
        connection.close()


def _add(summary: Summary, decided: pa.Table) -> None:
    summary.rows += decided.num_rows
    for counts, column in ((summary.results, "result"), (summary.errors, "error")):
        for entry in decided[column].value_counts().to_pylist():
            if entry["values"] is not None:
                counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]


def _write_arrow(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    reader = connection.sql(query).to_arrow_reader(100_000)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def _summary(connection: duckdb.DuckDBPyConnection, path: Path, kind: str) -> Summary:
    if kind == "arrow":
        with pa.memory_map(str(path)) as source:
            connection.register("decided", pa.ipc.open_file(source).read_all())
            return _count(connection, "decided")
    return _count(connection, f"read_{kind}({quoted(path)})")


def _count(connection: duckdb.DuckDBPyConnection, source: str) -> Summary:
    rows = connection.execute(f"SELECT result, error, count(*) FROM {source} GROUP BY ALL").fetchall()
    summary = Summary(sum(r[2] for r in rows))
    for result, error, count in rows:
        summary.results[result] = summary.results.get(result, 0) + count
        if error is not None:
            summary.errors[error] = summary.errors.get(error, 0) + count
    return summary


class TableDecider:
    """Decides Arrow tables of one schema by SQL; the statement is made once for each set of complete columns."""

    def __init__(self, rulebook: Rulebook, on: dt.date | None, connection: duckdb.DuckDBPyConnection) -> None:
        self.rulebook, self.on, self.connection = rulebook, on, connection
        self._statements: dict[frozenset[str], str] = {}
        self._columns: dict[str, str] | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """The table with the decision's columns behind its own, rows in order."""
        self.connection.register("arrow_input", table)
        if self._columns is None:
            self._columns = columns_of(self.connection, "arrow_input", Path("table"), self.rulebook)
        complete = frozenset(n for n in table.column_names if table[n].null_count == 0)
        if complete not in self._statements:
            self._statements[complete] = batch_sql(self.rulebook, "arrow_input", self._columns, set(complete), self.on)
        result: Any = self.connection.sql(self._statements[complete]).to_arrow_table()
        self.connection.unregister("arrow_input")
        return result


def decide_table(rulebook: Rulebook, table: pa.Table, on: dt.date | None = None) -> pa.Table:
    """Decide an Arrow table in memory; the input's columns and the decision's."""
    with open_database("4GB") as connection:
        return TableDecider(rulebook, on, connection)(table)
