"""``jiuji decide-batch``: a table in, the same table with the decisions beside it out, by every format and engine."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from jiuji.cli import cli
from jiuji.rulebook import Rulebook, kernel, load
from jiuji.rulebook.check import own_examples

DECISION = ["result", "category", "track", "tier", "amount", "range_least", "range_most"]
DECISION += ["authority", "special_panel", "reasons", "missing", "error"]

KINDS = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "money": pa.decimal128(18, 2),
    "date": pa.date32(),
    "enum": pa.string(),
}

FIRE: dict[str, Any] = {
    "applied_on": "2026-03-02",
    "cause": "fire",
    "same_cause_within_12_months": False,
    "granted_last_12_months": 0,
    "household_size": 4,
    "deaths": 2,
    "serious_injuries": 0,
    "dwelling_uninhabitable": False,
}


@pytest.fixture(scope="module")
def county() -> Rulebook:
    return load("150199")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def as_value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "money":
        return Decimal(str(value))
    return dt.date.fromisoformat(value) if kind == "date" else value


def as_table(rulebook: Rulebook, cases: list[dict[str, Any]], **more: Any) -> pa.Table:
    """Cases as a table with a number in front; what a case does not state is its default or NULL."""
    columns: dict[str, Any] = {"number": pa.array(range(1, len(cases) + 1))}
    for name, fact in rulebook.program.facts.items():
        default: Any = fact.default
        if default is not None:
            default = fact.type.values[default] if fact.kind == "enum" else bool(default)
        if any(name in case for case in cases):
            values = [as_value(fact.kind, case.get(name, default)) for case in cases]
            columns[name] = pa.array(values, KINDS[fact.kind])
    return pa.table({**columns, **more})


def write(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    elif path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        pyarrow.feather.write_feather(table, path, compression="uncompressed")
    return path


def read(path: Path) -> pa.Table:
    if path.suffix == ".csv":
        return pyarrow.csv.read_csv(path)
    return pq.read_table(path) if path.suffix == ".parquet" else pyarrow.feather.read_table(path)


def run(source: Path, target: Path, *options: str, rulebook: str = "150199") -> Result:
    return CliRunner().invoke(cli, ["decide-batch", str(source), str(target), "--rulebook", rulebook, *options])


def refused(result: Result, *said: str) -> None:
    """Exit code 2, nothing on standard output, a Chinese and an English line on standard error."""
    assert result.exit_code == 2, result.exception
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 2
    for text in said:
        assert text in result.stderr


def answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a row that ``jiuji decide`` answers too, written as it writes it."""
    amounts = {k: None if row[k] is None else f"{row[k]:.2f}" for k in ("amount", "range_least", "range_most")}
    return {**{k: row[k] for k in DECISION if k != "error"}, **amounts}


def by_decide(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What ``jiuji decide --lines --json`` says of each case."""
    text = "\n".join(json.dumps(case) for case in cases)
    result = CliRunner().invoke(cli, ["decide", "-", "--lines", "--json", "--rulebook", "150199"], input=text)
    assert (result.exit_code, result.stderr) == (0, "")
    said = [json.loads(line) for line in result.stdout.splitlines()]
    return [
        {
            **{k: d[k] for k in DECISION if k in d},
            "range_least": d.get("range", [None])[0],
            "range_most": d.get("range", [None])[-1],
        }
        for d in said
    ]


# --- the shipped examples --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def examples(county: Rulebook) -> list[dict[str, Any]]:
    found = [data for data, _ in own_examples(county.program)]
    assert len(found) == 62
    return found


@pytest.mark.parametrize("engine", ["sql", "kernel"])
def test_the_shipped_examples_are_decided_in_a_batch_as_one_by_one(
    county: Rulebook, examples: list[dict[str, Any]], folder: Path, engine: str
) -> None:
    source = write(as_table(county, [e["case"] for e in examples]), folder / "cases.parquet")
    result = run(source, folder / "decided.parquet", "--engine", engine, "--json")
    rows = read(folder / "decided.parquet").to_pylist()
    assert [r["number"] for r in rows] == list(range(1, 63)), "in the order of the input"

    impossible = {n: e["expect"]["error"] for n, e in enumerate(examples) if "error" in e["expect"]}
    assert {n: r["error"] for n, r in enumerate(rows) if r["error"] is not None} == impossible
    assert sorted(impossible.values()) == ["applied_on", "severely_disabled_members"]
    assert result.exit_code == 1

    possible = [n for n in range(62) if n not in impossible]
    said = by_decide([examples[n]["case"] for n in possible])
    for n, one in zip(possible, said, strict=True):
        mine = answer(rows[n])
        if mine["result"] == "undetermined":  # with facts missing a batch may be less sure, never otherwise
            assert set(one["missing"]) <= set(mine["missing"]), examples[n]["name"]
        else:
            assert mine == one, examples[n]["name"]
    unsure = [examples[n]["row"] for n in possible if rows[n]["result"] == "undetermined"]
    assert set(unsure) == {"missing"}, "with nothing missing a batch is always sure"


def test_the_compiled_loop_itself_decides_the_shipped_examples_as_one_by_one(
    county: Rulebook, examples: list[dict[str, Any]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a value in every column no row needs the database: the loop decides all, and alike."""
    blank = {"boolean": False, "integer": 0, "money": 0}
    filled = []
    for example in examples:
        if example["expect"].get("missing") or "error" in example["expect"]:
            continue
        facts = county.program.facts.values()
        others: dict[str, Any] = {f.name: blank[f.kind] for f in facts if f.kind in blank}
        others |= {"recognised": "none", "county_situation": "none", "household_size": 1}
        filled.append({**others, **example["case"]})
    assert len(filled) == 58

    rows_by_loop = 0
    loop = kernel.decide_arrow

    def counted(one: kernel.Kernel, table: pa.Table) -> pa.Table:
        nonlocal rows_by_loop
        rows_by_loop += table.num_rows
        return loop(one, table)

    monkeypatch.setattr(kernel, "decide_arrow", counted)
    source = write(as_table(county, filled), folder / "cases.parquet")
    result = run(source, folder / "decided.parquet", "--engine", "kernel")
    assert (result.exit_code, result.stderr) == (0, "")
    assert rows_by_loop == 58
    assert [answer(row) for row in read(folder / "decided.parquet").to_pylist()] == by_decide(filled)


# --- formats ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    return [FIRE, {**FIRE, "deaths": 0}, {**FIRE, "deaths": None}, {**FIRE, "household_size": 1}]


@pytest.mark.parametrize("source", [".parquet", ".csv", ".arrow", ".feather"])
@pytest.mark.parametrize("target", [".parquet", ".csv", ".arrow", ".feather"])
def test_every_format_goes_in_and_out_with_the_same_answers(
    county: Rulebook, cases: list[dict[str, Any]], folder: Path, source: str, target: str
) -> None:
    table = as_table(county, cases, village=["东", "西", "南", "北"])
    path = folder / f"decided{target}"
    result = run(write(table, folder / f"cases{source}"), path, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    summary = {"granted": 2, "refused": 1, "undetermined": 1}
    assert json.loads(result.stdout) == {"rows": 4, "results": summary, "errors": {}}

    decided = read(path)
    assert decided.column_names == [*table.column_names, *DECISION], "the input's columns, then the decision's"
    assert decided["village"].to_pylist() == ["东", "西", "南", "北"]
    assert decided["result"].to_pylist() == ["granted", "refused", "undetermined", "granted"]
    assert [None if a is None else f"{a:.2f}" for a in decided["amount"].to_pylist()] == [
        "20640.00",
        None,
        None,
        "5160.00",
    ]
    lists = (
        (["", "2.1.1", "", ""], ["", "", "deaths", ""])
        if target == ".csv"
        else ([[], ["2.1.1"], [], []], [[], [], ["deaths"], []])
    )
    assert (decided["reasons"].to_pylist(), decided["missing"].to_pylist()) == lists


def test_money_leaves_a_batch_exactly_and_codes_and_counts_as_such(
    county: Rulebook, cases: list[dict[str, Any]], folder: Path
) -> None:
    run(write(as_table(county, cases), folder / "cases.parquet"), folder / "decided.parquet")
    schema = pq.read_schema(folder / "decided.parquet")
    money = pa.decimal128(18, 2)
    assert [schema.field(n).type for n in ("amount", "range_least", "range_most")] == [money] * 3
    assert [schema.field(n).type for n in ("result", "authority", "error")] == [pa.string()] * 3
    assert pa.types.is_integer(schema.field("tier").type) and pa.types.is_boolean(schema.field("special_panel").type)
    assert schema.field("reasons").type == pa.list_(pa.field("element", pa.string()))


@pytest.mark.parametrize("name", ["it's.parquet", "案件 2026.parquet", "semi;colon.csv"])
def test_a_file_may_have_any_name(county: Rulebook, cases: list[dict[str, Any]], folder: Path, name: str) -> None:
    source = write(as_table(county, cases), folder / name)
    (folder / "out").mkdir()
    assert run(source, folder / "out" / name).exit_code == 0
    assert read(folder / "out" / name)["result"].to_pylist() == ["granted", "refused", "undetermined", "granted"]


def test_other_columns_pass_through_whatever_they_are_called(county: Rulebook, folder: Path) -> None:
    others = {"select": [1], "it's": ["a"], "a b": [2.5], "名称": ["x"], "order": [None]}
    table = as_table(county, [FIRE], **{k: pa.array(v) for k, v in others.items() if k != "order"})
    assert run(write(table, folder / "cases.parquet"), folder / "decided.parquet").exit_code == 0
    decided = read(folder / "decided.parquet")
    assert decided.column_names == [*table.column_names, *DECISION]
    assert decided.select(["select", "it's", "a b", "名称"]).to_pylist() == [
        {"select": 1, "it's": "a", "a b": 2.5, "名称": "x"}
    ]


@pytest.mark.parametrize("target", ["out.parquet", "out.csv", "out.arrow"])
def test_a_table_of_nobody_gives_a_table_of_nobody(county: Rulebook, folder: Path, target: str) -> None:
    source = write(as_table(county, [FIRE]).slice(0, 0), folder / "nobody.parquet")
    result = run(source, folder / target, "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"rows": 0, "results": {}, "errors": {}})
    assert read(folder / target).column_names[-12:] == DECISION


def test_the_day_beside_the_table_counts_only_where_a_row_has_none(county: Rulebook, folder: Path) -> None:
    cases = [{**FIRE, "applied_on": None}, FIRE]
    source = write(as_table(county, cases), folder / "cases.parquet")
    run(source, folder / "decided.parquet", "--on", "2024-12-31")
    assert read(folder / "decided.parquet")["amount"].to_pylist() == [Decimal("19200.00"), Decimal("20640.00")]
    bare = as_table(county, [FIRE]).drop_columns(["applied_on"])
    run(write(bare, folder / "bare.parquet"), folder / "decided.parquet", "--on", "2025-12-31")
    assert read(folder / "decided.parquet")["amount"].to_pylist() == [Decimal("19920.00")]


def test_the_summary_is_printed_in_the_language_asked_for(
    county: Rulebook, cases: list[dict[str, Any]], folder: Path
) -> None:
    source = write(as_table(county, cases), folder / "cases.parquet")
    assert run(source, Path("out.parquet")).stdout == (
        "out.parquet: 4 户\n  可予救助  2\n  不予救助  1\n  尚不能确定  1\n"
    )
    assert run(source, Path("out.parquet"), "--lang", "en").stdout == (
        "out.parquet: 4 rows\n  Granted  2\n  Refused  1\n  Not yet certain  1\n"
    )


# --- rows that cannot be ---------------------------------------------------------------------------------

IMPOSSIBLE = [
    ("deaths", -1),
    ("household_size", 0),
    ("granted_last_12_months", "-0.01"),
    ("cause", "flood"),
    ("applied_on", "2023-12-31"),
    ("severely_disabled_members", 5),
]


@pytest.mark.parametrize(("key", "value"), IMPOSSIBLE)
def test_a_row_that_cannot_be_is_marked_with_its_key_and_the_others_go_on(
    county: Rulebook, folder: Path, key: str, value: object
) -> None:
    source = write(as_table(county, [FIRE, {**FIRE, key: value}, FIRE]), folder / "cases.parquet")
    result = run(source, folder / "decided.parquet", "--json")
    assert result.exit_code == 1
    summary = {"rows": 3, "results": {"granted": 2, "invalid": 1}, "errors": {key: 1}}
    assert json.loads(result.stdout) == summary
    assert f"1 行的 {key} 有误" in result.stderr and "见 error 列" in result.stderr
    assert f"wrong in {key}" in result.stderr and "see column error" in result.stderr
    rows = read(folder / "decided.parquet").to_pylist()
    assert [(r["result"], r["error"]) for r in rows] == [("granted", None), ("invalid", key), ("granted", None)]
    assert all(rows[1][k] in (None, []) for k in DECISION if k not in ("result", "error")), "nothing is said of it"


def test_the_compiled_loop_marks_the_rows_that_cannot_be_as_the_database_does(county: Rulebook, folder: Path) -> None:
    cases = [FIRE, *({**FIRE, key: value} for key, value in IMPOSSIBLE)]
    source = write(as_table(county, cases), folder / "cases.parquet")
    result = run(source, folder / "decided.parquet", "--engine", "kernel", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["errors"] == {key: 1 for key, _ in IMPOSSIBLE}
    assert read(folder / "decided.parquet")["error"].to_pylist() == [None, *(key for key, _ in IMPOSSIBLE)]


def test_invalid_rows_are_counted_by_key_in_the_printed_summary(county: Rulebook, folder: Path) -> None:
    cases = [FIRE, {**FIRE, "deaths": -1}, {**FIRE, "deaths": 101}, {**FIRE, "cause": "flood"}]
    result = run(write(as_table(county, cases), folder / "cases.csv"), Path("decided.csv"))
    assert result.exit_code == 1
    assert "  有误  3\n" in result.stdout
    assert "2 行的 deaths 有误" in result.stderr and "1 行的 cause 有误" in result.stderr


@pytest.mark.parametrize("value", [40000.505, 0.001])
def test_an_amount_finer_than_a_fen_is_no_amount(county: Rulebook, folder: Path, value: float) -> None:
    table = as_table(county, [FIRE]).drop_columns(["granted_last_12_months"])
    for kind in (pa.float64(), pa.decimal128(18, 3)):
        amount = pa.array([value if kind == pa.float64() else Decimal(str(value))], kind)
        source = write(table.append_column("granted_last_12_months", amount), folder / "cases.parquet")
        result = run(source, folder / "decided.parquet", "--json")
        assert (result.exit_code, json.loads(result.stdout)["errors"]) == (1, {"granted_last_12_months": 1})


def test_amounts_in_floating_point_are_taken_to_the_fen_they_were_written_with(county: Rulebook, folder: Path) -> None:
    table = as_table(county, [FIRE] * 3).drop_columns(["granted_last_12_months"])
    amounts = pa.array([40000.1, 41279.99, 0.29])
    source = write(table.append_column("granted_last_12_months", amounts), folder / "cases.parquet")
    run(source, folder / "decided.parquet")
    paid = [row["amount"] for row in read(folder / "decided.parquet").to_pylist()]
    assert paid == [Decimal("1279.00"), None, Decimal("20640.00")]


# --- tables that cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["sql", "kernel"])
@pytest.mark.parametrize("name", [*DECISION, "f_own", "p_line", "x_1", "k", "met", "refused", "standard_date"])
def test_a_column_with_the_name_of_an_output_or_inner_column_is_refused(
    county: Rulebook, folder: Path, engine: str, name: str
) -> None:
    source = write(as_table(county, [FIRE], **{name: pa.array(["x"])}), folder / "cases.parquet")
    result = run(source, folder / "decided.parquet", "--engine", engine)
    refused(result, f"输入的列名 {name} ", "请改名", f"The input column {name} ", "rename it")
    assert [p.name for p in folder.iterdir()] == ["cases.parquet"]


WRONG_COLUMNS = [
    ("deaths", pa.array([2.0]), "DOUBLE", "INTEGER"),
    ("deaths", pa.array(["2"]), "VARCHAR", "INTEGER"),
    ("cause", pa.array([1]), "BIGINT", "VARCHAR"),
    ("granted_last_12_months", pa.array(["0"]), "VARCHAR", "DECIMAL(18,2)"),
    ("applied_on", pa.array(["2026-03-02"]), "VARCHAR", "DATE"),
    ("dwelling_uninhabitable", pa.array([0]), "BIGINT", "BOOLEAN"),
]


@pytest.mark.parametrize("engine", ["sql", "kernel"])
@pytest.mark.parametrize(("key", "column", "found", "wanted"), WRONG_COLUMNS)
def test_a_column_of_the_wrong_type_is_refused_with_the_type_that_is_needed(
    county: Rulebook, folder: Path, engine: str, key: str, column: pa.Array, found: str, wanted: str
) -> None:
    table = as_table(county, [FIRE]).drop_columns([key]).append_column(key, column)
    result = run(write(table, folder / "cases.parquet"), folder / "decided.parquet", "--engine", engine)
    refused(
        result, f"列 {key}（", f"的类型是 {found}，应为 {wanted}。请转换该列", f"of type {found}; {wanted} is needed"
    )
    assert [p.name for p in folder.iterdir()] == ["cases.parquet"]


def test_a_csv_with_text_where_a_number_belongs_is_refused_with_its_line(county: Rulebook, folder: Path) -> None:
    (folder / "cases.csv").write_text("cause,deaths\nfire,1\nfire,two\n", encoding="utf-8")
    refused(
        run(folder / "cases.csv", folder / "decided.csv"),
        "cases.csv 无法读取",
        "Line: 3",
        "请核对文件内容",
        "Check its content",
    )
    assert [p.name for p in folder.iterdir()] == ["cases.csv"]


@pytest.mark.parametrize("source", ["nothing.parquet", "nothing.csv", "nothing.arrow"])
def test_a_file_that_is_not_there_is_refused_with_its_path(folder: Path, source: str) -> None:
    refused(
        run(folder / source, folder / "out.parquet"),
        f"没有文件 {folder / source}",
        "There is no file",
        "check the path",
    )


def test_a_table_without_one_fact_is_refused_with_the_facts_there_are(folder: Path) -> None:
    source = write(pa.table({"name": ["x"], "Cause": ["fire"]}), folder / "cases.parquet")
    refused(
        run(source, folder / "out.parquet"), "输入没有一列是事实。事实有：applied_on、cause", "Facts: applied_on, cause"
    )


@pytest.mark.parametrize(("source", "target"), [("cases.parquet", "out.xlsx"), ("cases.txt", "out.csv")])
def test_a_format_that_is_not_known_is_refused_with_those_that_are(
    county: Rulebook, folder: Path, source: str, target: str
) -> None:
    write(as_table(county, [FIRE]), folder / "cases.parquet")
    (folder / "cases.txt").write_text("cause\nfire\n", encoding="utf-8")
    refused(
        run(folder / source, folder / target),
        "的格式未知，请用 .parquet、.csv、.arrow、.feather",
        "use .parquet, .csv, .arrow",
    )


def test_the_compiled_loop_takes_parquet_only(county: Rulebook, folder: Path) -> None:
    source = write(as_table(county, [FIRE]), folder / "cases.csv")
    refused(
        run(source, folder / "out.parquet", "--engine", "kernel"),
        "kernel 方式只用于 Parquet 文件",
        "for Parquet files only",
    )


def test_an_unknown_rulebook_is_refused(county: Rulebook, folder: Path) -> None:
    source = write(as_table(county, [FIRE]), folder / "cases.parquet")
    refused(
        run(source, folder / "out.parquet", rulebook="150198"),
        "没有名为 “150198” 的救助标准",
        "No rulebook answers to '150198'",
    )


# --- half-written files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["sql", "kernel"])
def test_a_run_that_fails_leaves_no_file_and_keeps_the_one_before(folder: Path, engine: str) -> None:
    (folder / "broken.parquet").write_bytes(b"PAR1 this is no table PAR1")
    (folder / "out.parquet").write_bytes(b"before")
    refused(
        run(folder / "broken.parquet", folder / "out.parquet", "--engine", engine),
        "broken.parquet 无法读取",
        "Check its content",
    )
    assert (folder / "out.parquet").read_bytes() == b"before"
    assert sorted(p.name for p in folder.iterdir()) == ["broken.parquet", "out.parquet"]


@pytest.mark.parametrize(
    ("engine", "target"),
    [("sql", "out.parquet"), ("sql", "out.csv"), ("sql", "out.arrow"), ("kernel", "out.parquet")],
)
def test_a_run_that_breaks_off_in_the_middle_leaves_no_file_and_keeps_the_one_before(
    county: Rulebook, folder: Path, engine: str, target: str
) -> None:
    """The second half of the table cannot be read: its pages are overwritten."""
    table = as_table(county, [FIRE] * 300_000)
    source = folder / "cases.parquet"
    pq.write_table(table, source, row_group_size=150_000)
    start = pq.read_metadata(source).row_group(1).column(1).data_page_offset
    damaged = bytearray(source.read_bytes())
    damaged[start : start + 40] = b"\xff" * 40
    source.write_bytes(damaged)
    (folder / target).write_bytes(b"before")
    refused(run(source, folder / target, "--engine", engine), "cases.parquet 无法读取")
    assert (folder / target).read_bytes() == b"before"
    assert sorted(p.name for p in folder.iterdir()) == ["cases.parquet", target]


# --- known faults ----------------------------------------------------------------------------------------


@pytest.mark.xfail(strict=True, reason="DuckDB rounds what it casts while it reads a CSV file")
@pytest.mark.parametrize(("key", "value"), [("granted_last_12_months", "40000.505"), ("deaths", "1.5")])
def test_a_csv_is_held_to_whole_fen_and_whole_persons_as_every_other_table(folder: Path, key: str, value: str) -> None:
    """Half a death becomes two deaths otherwise, and 13,760 yuan become 20,640."""
    case = {**FIRE, key: value}
    (folder / "cases.csv").write_text(
        ",".join(case) + "\n" + ",".join(map(str, case.values())) + "\n", encoding="utf-8"
    )
    assert run(folder / "cases.csv", folder / "decided.csv").exit_code in (1, 2)


@pytest.mark.xfail(strict=True, reason="names are compared exactly, but DuckDB does not tell capitals apart")
@pytest.mark.parametrize("name", ["Result", "AMOUNT", "Error"])
def test_a_column_that_differs_from_an_output_by_capitals_only_is_refused(
    county: Rulebook, folder: Path, name: str
) -> None:
    source = write(as_table(county, [FIRE], **{name: pa.array([1])}), folder / "cases.parquet")
    refused(run(source, folder / "decided.parquet"), name)


@pytest.mark.xfail(strict=True, reason="DuckDB names the second column of a name anew")
def test_a_csv_with_a_column_that_stands_twice_is_refused(folder: Path) -> None:
    (folder / "cases.csv").write_text("cause,deaths,deaths\nfire,1,2\n", encoding="utf-8")
    refused(run(folder / "cases.csv", folder / "decided.csv"), "deaths")


@pytest.mark.xfail(strict=True, reason="the cast to a whole number stops the statement")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_row_with_what_is_no_number_is_invalid_and_the_others_go_on(
    county: Rulebook, folder: Path, value: float
) -> None:
    table = as_table(county, [FIRE, FIRE]).drop_columns(["granted_last_12_months"])
    source = write(table.append_column("granted_last_12_months", pa.array([0.0, value])), folder / "cases.parquet")
    assert run(source, folder / "decided.parquet").exit_code == 1
    assert read(folder / "decided.parquet")["result"].to_pylist() == ["granted", "invalid"]


@pytest.mark.xfail(strict=True, reason="the source is blamed for a folder that the target lacks")
@pytest.mark.parametrize("target", ["nowhere/out.parquet", "nowhere/out.csv"])
def test_a_folder_that_is_not_there_is_named_as_the_targets(county: Rulebook, folder: Path, target: str) -> None:
    source = write(as_table(county, [FIRE]), folder / "cases.parquet")
    refused(run(source, Path(target)), f"{target} 无法写入", f"{target} cannot be written")


@pytest.mark.xfail(strict=True, reason="what the database says of the limit is not caught")
def test_a_memory_limit_that_is_none_is_refused(county: Rulebook, folder: Path) -> None:
    source = write(as_table(county, [FIRE]), folder / "cases.parquet")
    refused(run(source, folder / "out.parquet", "--memory", "much"), "much")


@pytest.mark.xfail(strict=True, reason="what Arrow says of the file is not caught")
@pytest.mark.parametrize("name", ["broken.arrow", "broken.feather"])
def test_an_arrow_file_that_is_none_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"this is no table")
    refused(run(folder / name, folder / "out.parquet"), f"{name} 无法读取", "Check its content")


@pytest.mark.xfail(strict=True, reason="only the file form of Arrow is read")
def test_an_arrow_stream_is_read_or_refused(county: Rulebook, folder: Path) -> None:
    table = as_table(county, [FIRE])
    with pa.OSFile("cases.arrow", "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    assert run(Path("cases.arrow"), Path("out.parquet")).exit_code in (0, 2)
