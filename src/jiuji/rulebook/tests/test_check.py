"""``jiuji rulebook check``: each fault of a rulebook is named by file and line, with what to do, before it is used.

Every test takes a shipped book, puts one fault into a copy of it, and reads what an officer would read.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jiuji.cli import cli
from jiuji.rulebook.library import BOOKS, Library

XINING = "630100/xining.toml"
QINGYANG = "341723/qingyang.toml"
COUNTY = "150199/example-county.toml"
SMALL = "150199/small-fast-relief.toml"
REGION = "150000/nei-menggu.toml"

SHIPPED = sorted(str(book.source.path.relative_to(BOOKS)) for book in Library().books.values())


@dataclass(frozen=True)
class Printed:
    """One problem as it was printed: the Chinese line with its place, and the English line below it."""

    file: str
    line: int
    zh: str
    en: str


class Desk:
    """A working directory with copies of shipped books, and the command run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def copy(self, book: str) -> Path:
        """A copy of the book's folder; the path of the book in it, relative to the working directory."""
        if not (self.folder / book).parent.exists():
            shutil.copytree((BOOKS / book).parent, (self.folder / book).parent)
        return Path(book)

    def put(self, book: str, before: str, after: str) -> Path:
        """The copy with one piece of its text, which stands there once, replaced."""
        path = self.copy(book)
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {book}"
        path.write_text(text.replace(before, after), encoding="utf-8")
        return path

    def add(self, book: str, text: str) -> Path:
        path = self.copy(book)
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
        return path

    @staticmethod
    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(cli, ["rulebook", "check", *map(str, arguments)])

    def problems(self, path: Path) -> list[Printed]:
        """What the command prints of a book that must not pass."""
        result = self.run(path)
        assert result.exit_code == 1, result.output or result.exception
        *lines, last = result.stdout.splitlines()
        found = []
        for place, english in zip(lines[::2], lines[1::2], strict=True):
            said = re.fullmatch(r"(.+?\.toml):(\d+): (.+)", place)
            assert said, place
            assert english.startswith("    ")
            if "算例没有运行" not in said[3]:  # a hint, not a fault
                found.append(Printed(said[1], int(said[2]), said[3], english.strip()))
        assert last == f"{path}: {len(found)} 个问题 problems"
        return found

    def problem(self, path: Path) -> Printed:
        """The one problem of a book with one fault."""
        found = self.problems(path)
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def line_of(path: Path, text: str) -> int:
    """The one line (from 1) that contains a text."""
    lines = [n for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if text in line]
    assert len(lines) == 1, (text, lines)
    return lines[0]


# --- a book without faults -------------------------------------------------------------------------------


@pytest.mark.parametrize("book", SHIPPED)
def test_every_shipped_rulebook_passes(book: str) -> None:
    result = Desk.run(BOOKS / book)
    assert (result.exit_code, result.stdout) == (0, f"{BOOKS / book}: 没有问题 no problems\n")


def test_the_shipped_rulebooks_are_all_there() -> None:
    assert {COUNTY, SMALL, REGION, XINING, QINGYANG} <= set(SHIPPED)
    assert len(SHIPPED) == 8


def test_a_book_is_found_by_its_division_as_well_as_by_its_path() -> None:
    result = Desk.run("150199", "xining")
    assert (result.exit_code, result.stdout) == (0, "150199: 没有问题 no problems\nxining: 没有问题 no problems\n")


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    result = Desk.run("150198")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "没有名为 “150198” 的救助标准" in result.stderr
    assert "No rulebook answers to '150198'. Known: example-county, " in result.stderr


def test_a_file_that_is_not_there_is_named(desk: Desk) -> None:
    found = desk.problem(Path("150199.toml"))
    assert found.file == "150199.toml"
    assert "无法读取文件" in found.zh and "请核对路径和权限" in found.zh
    assert "cannot be read" in found.en and "Check the path and its permissions" in found.en


# --- how the file is written -----------------------------------------------------------------------------


def test_an_unclosed_quote_is_named_by_its_line(desk: Desk) -> None:
    path = desk.put(XINING, 'division = "630100"', 'division = "630100')
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "630100"))
    assert "TOML 语法错误" in found.zh and "请检查该行的引号、括号、等号" in found.zh
    assert "TOML syntax error" in found.en and "Check the quotes, brackets and equals sign" in found.en


def test_a_key_that_stands_twice_is_a_syntax_error(desk: Desk) -> None:
    path = desk.put(XINING, 'track = "expenditure"\n', 'track = "expenditure"\ntrack = "emergency"\n')
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, 'track = "emergency"'))
    assert "whether a key stands twice" in found.en


def test_a_file_in_another_encoding_is_named_by_the_line_that_breaks(desk: Desk) -> None:
    path = desk.copy(XINING)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[9] = "# 西宁市\n".encode("gb18030")
    path.write_bytes(b"".join(lines))
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, 10)
    assert "请另存为 UTF-8" in found.zh and "Save it as UTF-8" in found.en


def test_a_misspelt_section_is_named(desk: Desk) -> None:
    path = desk.put(XINING, "[category.hardship]", "[catgory.hardship]")
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "[catgory.hardship]"))
    assert "没有名为 [catgory] 的部分" in found.zh and "category" in found.zh
    assert "There is no section [catgory]" in found.en and "category" in found.en


def test_a_misspelt_key_is_named_with_the_key_that_was_meant(desk: Desk) -> None:
    path = desk.put(XINING, 'condition = "in_temporary_hardship"', 'conditon = "in_temporary_hardship"')
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "conditon"))
    assert "没有键 conditon" in found.zh and "是否想写 condition？" in found.zh
    assert "has no key conditon" in found.en and "Did you mean condition?" in found.en


def test_a_parent_that_does_not_exist_is_named_with_those_that_do(desk: Desk) -> None:
    path = desk.put(SMALL, 'extends = "small-fast-relief"', 'extends = "small-fast-relif"')
    found = desk.problem(path)
    assert (found.file, found.line) == (SMALL, line_of(path, "extends"))
    assert "上级标准 small-fast-relif 不存在" in found.zh
    assert "does not exist" in found.en and "small-fast-relief" in found.en


# --- wrong types -----------------------------------------------------------------------------------------

WRONG_TYPES = {
    "a formula written as a figure": ('when = "grants_this_year >= most_times"', "when = 3"),
    "a clause written as a number": ('clause = "3"\nabout = "award"', 'clause = 3\nabout = "award"'),
    "a name in one language": (
        'label = { zh = "本年剩余额度", en = "Room this year" }',
        'label = "本年剩余额度"',
    ),
    "a bound written as text": ('max = 100\nhistory = { count = "calendar_year" }', 'max = "100"'),
    "a unit written as a number": ('unit = "time"\nmax', "unit = 1\nmax"),
    "a track written as a list": ('track = "expenditure"', 'track = ["expenditure"]'),
    "figures written without a list": (
        'values = [{ from = 2020-01-01, value = 3, source = "xining §2" }]',
        "values = 3",
    ),
    "a day written as text": ("from = 2020-01-01\ndate", 'from = "2020-01-01"\ndate'),
}


@pytest.mark.parametrize("fault", WRONG_TYPES)
def test_a_value_of_the_wrong_type_is_named_with_how_to_write_it(desk: Desk, fault: str) -> None:
    before, after = WRONG_TYPES[fault]
    path = desk.put(XINING, before, after)
    written = after.splitlines()[0]
    key = written.split(" = ")[0]
    found = [p for p in desk.problems(path) if (p.file, p.line) == (XINING, line_of(path, written)) and key in p.zh]
    assert found, desk.run(path).stdout
    assert f"写成 {key} = " in found[0].zh and key in found[0].en and f"Write {key} = " in found[0].en


@pytest.mark.parametrize(
    ("formula", "chinese", "english"),
    [
        ("NOT grants_this_year", "这里需要条件，而 grants_this_year 是time", "A condition is needed here"),
        ("granted_this_year", "", ""),
        ("most_in_year - in_temporary_hardship > 0", "“-” 只能用于数", "'-' needs numbers, not yes/no"),
        ("in_temporary_hardship > 0", "不能比较是否型的值", "cannot compare yes/no values"),
        ("applied_on > most_times", "类型不一致", "mixes a date with time"),
        ("days_between(applied_on, most_times) > 0", "这里需要日期", "A date is needed"),
        ("granted_this_year / most_times > most_in_year", "公式里不能直接用 “/”", "'/' may not stand in a formula"),
        ("coalesce(grants_this_year, 0) > most_times", "公式里不能写 NULL", "NULL may not stand in a formula"),
    ],
)
def test_a_ground_must_be_a_condition_over_things_that_can_be_compared(
    desk: Desk, formula: str, chinese: str, english: str
) -> None:
    path = desk.put(XINING, "grants_this_year >= most_times", formula)
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, f'when = "{formula}"'))
    assert chinese in found.zh and "处理：" in found.zh
    assert english in found.en and "What to do: " in found.en


OTHER_KINDS = ("5", '"zzz"', "true", "2020-01-01", "[]", "{}", '["a"]', "[1]", "[{ a = 1 }]")


@pytest.mark.parametrize("value", OTHER_KINDS)
def test_no_value_however_wrong_stops_the_check_itself(desk: Desk, value: str) -> None:
    """Each key of a book in turn is given a value of another kind: problems are printed, never a traceback."""
    path = desk.copy(XINING)
    lines = path.read_text(encoding="utf-8").splitlines()
    tried = 0
    for number, line in enumerate(lines):
        key = re.match(r"(\w+) = .*[^\[{]$", line)
        if key is None:
            continue
        tried += 1
        path.write_text("\n".join([*lines[:number], f"{key[1]} = {value}", *lines[number + 1 :]]), encoding="utf-8")
        result = desk.run(path)
        assert result.exit_code in (0, 1) and result.stdout.endswith("problems\n"), (line, result.exception)
    assert tried > 60


# --- names, circles, units -------------------------------------------------------------------------------


def test_a_name_that_nothing_defines_is_named_with_the_one_that_was_meant(desk: Desk) -> None:
    path = desk.put(XINING, "grants_this_year >= most_times", "grants_this_year >= most_time")
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "most_time" + '"'))
    assert "名称 most_time 没有定义" in found.zh and "是否想写 most_times" in found.zh
    assert "The name most_time is not defined" in found.en and "Did you mean most_times" in found.en


def test_a_choice_that_does_not_exist_is_named_with_those_that_do(desk: Desk) -> None:
    path = desk.put(QINGYANG, "kind = 'medical'", "kind = 'medcal'")
    found = desk.problem(path)
    assert (found.file, found.line) == (QINGYANG, line_of(path, "'medcal'"))
    assert "'medcal' 不在选项 emergency、medical 之中" in found.zh and "是否想写 medical？" in found.zh
    assert "'medcal' is not one of emergency, medical" in found.en and "Did you mean medical?" in found.en


CIRCLE = """
[quantity.first]
label = { zh = "甲", en = "First" }
unit = "yuan"
formula = "second + room"
clause = "1"

[quantity.second]
label = { zh = "乙", en = "Second" }
unit = "yuan"
formula = "least(third, room)"
clause = "1"

[quantity.third]
label = { zh = "丙", en = "Third" }
unit = "yuan"
formula = "first"
clause = "1"
"""


def test_definitions_that_run_in_a_circle_are_shown_with_the_whole_circle_once(desk: Desk) -> None:
    path = desk.add(XINING, CIRCLE)
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "[quantity.first]"))
    assert "定义循环：first → second → third → first" in found.zh and "不再依赖后面的项" in found.zh
    assert "in a circle: first → second → third → first" in found.en and "no longer depend on the next" in found.en


TABLE_IN_A_CIRCLE = """
[table.steps]
label = { zh = "分档", en = "Steps" }
clause = "1"
gives = { extra = "yuan" }
rows = [
  { when = { total = "> 0" }, extra = 1 },
  { when = {}, extra = 2 },
]

[quantity.total]
label = { zh = "合计", en = "Total" }
unit = "yuan"
formula = "room + steps.extra"
clause = "1"
"""


def test_a_table_and_a_formula_may_not_depend_on_each_other(desk: Desk) -> None:
    path = desk.add(XINING, TABLE_IN_A_CIRCLE)
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "[quantity.total]"))
    assert "定义循环：total → steps → total" in found.zh and "in a circle: total → steps → total" in found.en


def test_units_that_do_not_fit_are_named_on_both_sides(desk: Desk) -> None:
    path = desk.put(XINING, "most_in_year - granted_this_year, 0", "most_in_year - grants_this_year, 0")
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "most_in_year - grants_this_year"))
    assert "单位不一致" in found.zh and "yuan 和 time" in found.zh and "带单位的参数" in found.zh
    assert "Units do not fit" in found.en and "between yuan and time" in found.en
    assert "as a parameter with that unit" in found.en


def test_a_formula_that_does_not_yield_the_unit_it_declares_is_named(desk: Desk) -> None:
    path = desk.put(QINGYANG, 'formula = "least_months * dibao_standard"', 'formula = "dibao_standard"')
    found = desk.problems(path)[0]
    assert (found.file, found.line) == (QINGYANG, line_of(path, 'formula = "dibao_standard"'))
    assert "floor 的公式得出 yuan/person/month，而注明的是 yuan" in found.zh and "请改正公式，或改正 unit" in found.zh
    assert (
        "yields yuan/person/month, but yuan is declared" in found.en and "Correct the formula or the unit" in found.en
    )


def test_a_unit_that_the_field_does_not_know_is_named_with_those_it_knows(desk: Desk) -> None:
    path = desk.put(XINING, 'unit = "time"\nlabel', 'unit = "times"\nlabel')
    found = {p.line: p for p in desk.problems(path)}[line_of(path, 'unit = "times"')]
    assert "单位 times 未知" in found.zh and "yuan/person/month" in found.zh
    assert "The unit times is not known" in found.en and "such as yuan/person/month" in found.en


# --- sources ---------------------------------------------------------------------------------------------


def test_a_rule_without_a_citation_is_named(desk: Desk) -> None:
    path = desk.put(XINING, 'clause = "2"\nlabel = { zh = "本年已救助三次"', 'label = { zh = "本年已救助三次"')
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "[ground.too_often]"))
    assert "[ground.too_often] 没有注明依据的条款" in found.zh and '请写 clause = "条款编号"' in found.zh
    assert "[ground.too_often] cites no clause" in found.en and 'Write clause = "id of the clause"' in found.en


def test_a_figure_without_a_source_is_named_with_its_day(desk: Desk) -> None:
    path = desk.put(XINING, ', source = "xining §2"', "")
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "value = 3 }"))
    assert "参数 most_times 自 2020-01-01 起的值没有注明出处" in found.zh and '请写 source = "文件 §条款"' in found.zh
    assert "most_times from 2020-01-01 names no source" in found.en and 'Write source = "document §clause"' in found.en


def test_a_clause_that_the_document_does_not_have_is_named_with_those_it_has(desk: Desk) -> None:
    path = desk.put(XINING, 'clause = "3"\nabout = "award"', 'clause = "4"\nabout = "award"')
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, 'clause = "4"'))
    assert "文件 xining 没有条款 4" in found.zh and "可用：1、2、3" in found.zh
    assert "xining has no clause 4" in found.en and "Use one of 1, 2, 3" in found.en


def test_a_lower_level_cites_the_clauses_of_the_law_above_it(desk: Desk) -> None:
    path = desk.put(COUNTY, 'clause = "2.1.1"\nhit = "first"', 'clause = "2.1.9"\nhit = "first"')
    found = desk.problem(path)
    assert (found.file, found.line) == (COUNTY, line_of(path, "2.1.9"))
    assert "文件 nm-2018 没有条款 2.1.9" in found.zh
    assert "nm-2018 has no clause 2.1.9" in found.en and "2.1.1, 2.1.2" in found.en


def test_a_document_that_nobody_registered_is_named_with_those_registered(desk: Desk) -> None:
    path = desk.put(XINING, 'source = "xining §2"', 'source = "xinning §2"')
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "xinning"))
    assert "引用了未登记的文件 xinning" in found.zh and "或加一个 [[document]]" in found.zh
    assert "xinning is not registered" in found.en and "Registered: xining" in found.en


@pytest.mark.parametrize(
    ("formula", "figure"),
    [
        ("grants_this_year >= 3", "3"),
        ("granted_this_year > most_in_year * 0.5", "0.5"),
        ("CASE WHEN in_temporary_hardship THEN grants_this_year ELSE 7 END >= most_times", "7"),
    ],
)
def test_no_figure_stands_in_a_formula(desk: Desk, formula: str, figure: str) -> None:
    path = desk.put(XINING, "grants_this_year >= most_times", formula)
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, formula))
    assert f"公式里出现了数字 {figure}。" in found.zh and "设为有日期、有出处的参数" in found.zh
    assert f"The figure {figure} stands in a formula" in found.en and "dated, sourced parameter" in found.en


def test_zero_is_the_only_number_that_a_formula_may_hold(desk: Desk) -> None:
    path = desk.put(XINING, "grants_this_year >= most_times", "grants_this_year >= most_times AND grants_this_year > 0")
    assert desk.run(path).exit_code == 0


# --- tables ----------------------------------------------------------------------------------------------


def test_a_table_with_a_gap_shows_a_case_that_no_row_covers(desk: Desk) -> None:
    path = desk.put(COUNTY, '"20000 .. 49999.99"', '"20000 .. 49999.97"')
    found = desk.problem(path)
    rows = line_of(path, "[table.illness]") + 5
    assert (found.file, found.line) == (COUNTY, rows)
    assert "表 illness 有空缺：预计个人自负费用（expected_self_paid）= 49,999.98 元 时没有一行适用" in found.zh
    assert "请加一行" in found.zh
    assert "The table illness has a gap: no row covers expected_self_paid = 49,999.98 yuan" in found.en
    assert "Add a row" in found.en


def test_a_table_with_a_gap_in_a_combination_shows_every_input_of_it(desk: Desk) -> None:
    path = desk.put(COUNTY, "  { when = {}, tier = 3, multiple = 2 },\n", "")
    found = desk.problem(path)
    assert (found.file, found.line) == (COUNTY, line_of(path, "[table.accident]") + 5)
    assert "死亡人数（deaths）= 0 人" in found.zh
    assert "住房严重损毁不能居住（dwelling_uninhabitable）= 否" in found.zh
    assert re.search(r"重伤人数（serious_injuries）= [01] 人 时没有一行适用", found.zh)
    assert re.search(
        r"no row covers deaths = 0 persons?, dwelling_uninhabitable = no, serious_injuries = [01]", found.en
    )


def test_a_table_with_an_overlap_shows_a_case_that_two_rows_cover(desk: Desk) -> None:
    path = desk.put(COUNTY, '"20000 .. 49999.99"', '"20000 .. 50000"')
    found = desk.problem(path)
    assert (found.file, found.line) == (COUNTY, line_of(path, "20000 .. 50000"))
    assert "表 illness 有重叠：预计个人自负费用（expected_self_paid）= 50,000 元 时第 1、2 行都适用" in found.zh
    assert '若以先出现的行为准，写 hit = "first"' in found.zh
    assert "rows 1 and 2 both cover expected_self_paid = 50,000 yuan" in found.en
    assert 'if the first row shall win, write hit = "first"' in found.en


def test_rows_may_overlap_where_the_first_is_said_to_win(desk: Desk) -> None:
    path = desk.put(COUNTY, '"20000 .. 49999.99"', '"20000 .. 50000"')
    desk.put(COUNTY, 'clause = "2.1.2"\nhit = "unique"', 'clause = "2.1.2"\nhit = "first"')
    assert desk.run(path).exit_code == 0


def test_a_row_that_is_never_reached_is_named(desk: Desk) -> None:
    path = desk.put(COUNTY, '{ when = { deaths = "1" }, tier = 2', '{ when = { deaths = ">= 3" }, tier = 2')
    problems = {p.line: p for p in desk.problems(path)}
    found = problems[line_of(path, 'deaths = ">= 3"')]
    assert "表 accident 的第 3 行永远轮不到" in found.zh and "请删去该行，或把它移到前面" in found.zh
    assert "Row 3 of the table accident can never be reached" in found.en and "Remove the row" in found.en


# --- time ------------------------------------------------------------------------------------------------


def test_a_figure_that_begins_after_the_standard_is_named_with_the_days_that_lack_it(desk: Desk) -> None:
    path = desk.put(COUNTY, "{ from = 2024-01-01, value = 10000,", "{ from = 2024-02-01, value = 10000,")
    found = desk.problem(path)
    assert (found.file, found.line) == (COUNTY, line_of(path, "value = 10000,"))
    assert "参数 medical_threshold 在 2024-01-01 至 2024-01-31 没有值，而标准在此期间有效" in found.zh
    assert "请补上这一时段的值" in found.zh
    assert "medical_threshold has no value from 2024-01-01 to 2024-01-31" in found.en
    assert "Add the value for that time" in found.en


def test_a_hole_between_two_values_of_a_figure_is_named_at_the_later_one(desk: Desk) -> None:
    path = desk.put(
        COUNTY, "{ from = 2024-01-01, value = 38130,", "{ from = 2024-01-01, until = 2024-12-01, value = 38130,"
    )
    found = desk.problem(path)
    assert (found.file, found.line) == (COUNTY, line_of(path, "value = 40000,"))
    assert "参数 income_line 在 2024-12-01 至 2024-12-31 没有值" in found.zh
    assert "income_line has no value from 2024-12-01 to 2024-12-31" in found.en


def test_a_figure_that_ends_before_the_standard_is_named(desk: Desk) -> None:
    path = desk.put(
        COUNTY, "{ from = 2024-01-01, value = 10000,", "{ from = 2024-01-01, until = 2027-01-01, value = 10000,"
    )
    found = desk.problem(path)
    assert (found.file, found.line) == (COUNTY, line_of(path, "value = 10000,"))
    assert "参数 medical_threshold 自 2027-01-01 起没有值" in found.zh and "请补上以后的值，或删去 until" in found.zh
    assert "has no value from 2027-01-01 on" in found.en and "Add the later value, or remove until" in found.en


def test_a_figure_that_no_level_sets_and_none_may_set_is_named(desk: Desk) -> None:
    path = desk.put(XINING, 'values = [{ from = 2020-01-01, value = 3, source = "xining §2" }]\n', "")
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "[parameter.most_times]"))
    assert "参数 most_times 没有值，也没有开放给下级" in found.zh and '或写 open = "county"' in found.zh
    assert "has no value and is not open to a lower level" in found.en and "Write values" in found.en


# --- levels ----------------------------------------------------------------------------------------------


def test_a_county_may_not_override_what_the_region_has_not_opened(desk: Desk) -> None:
    path = desk.add(COUNTY, '\n[quantity.own]\nformula = "medical_bill"\n')
    found = desk.problem(path)
    assert (found.file, found.line) == (COUNTY, line_of(path, 'formula = "medical_bill"'))
    assert "上级（nei-menggu）没有开放 [quantity.own]，不能改写 formula" in found.zh
    assert '请删去该行，或请上级在该项写 open = "county"' in found.zh
    assert "nei-menggu has not opened [quantity.own]: formula may not be set here" in found.en
    assert 'ask the upper level to write open = "county" there' in found.en


def test_a_league_may_not_set_what_the_region_has_opened_to_counties_only(desk: Desk) -> None:
    league = "150100/example-league.toml"
    figure = '[{ from = 2024-01-01, value = 5000, source = "sample-league §2" }]'
    path = desk.add(league, f"\n[parameter.township_limit_emergency]\nvalues = {figure}\n")
    found = desk.problem(path)
    assert (found.file, found.line) == (league, line_of(path, figure))
    assert "上级（nei-menggu）没有开放 [parameter.township_limit_emergency]，不能改写 values" in found.zh
    assert "nei-menggu has not opened [parameter.township_limit_emergency]" in found.en


def test_a_county_may_not_change_the_unit_of_an_open_figure(desk: Desk) -> None:
    path = desk.put(COUNTY, "[parameter.medical_threshold]\n", '[parameter.medical_threshold]\nunit = "yuan/person"\n')
    found = desk.problem(path)
    assert (found.file, found.line) == (COUNTY, line_of(path, "[parameter.medical_threshold]") + 1)
    assert "medical_threshold 的 unit 由上级（nei-menggu）确定，不能改" in found.zh and "请删去该行" in found.zh
    assert "The unit of medical_threshold is fixed by nei-menggu" in found.en and "Remove the line" in found.en


def test_a_county_may_not_invent_a_ground_for_refusal(desk: Desk) -> None:
    ground = '\n[ground.more]\nclause = "2.2"\nlabel = { zh = "甲", en = "A" }\nwhen = "deaths > 0"\n'
    path = desk.add(COUNTY, ground)
    found = desk.problem(path)
    assert (found.file, found.line) == (COUNTY, line_of(path, "[ground.more]"))
    assert "上级没有设 [ground.more]，下级不能自行增设" in found.zh and "请上级修订" in found.zh
    assert "a lower level may not add one" in found.en and "ask it to revise" in found.en


def test_a_fault_in_an_included_file_is_named_in_that_file(desk: Desk) -> None:
    path = desk.copy(COUNTY)
    included = desk.put("150199/dibao.toml", "{ from = 2025-01-01, value = 830", '{ from = "2025", value = 830')
    found = desk.problem(path)
    assert (found.file, found.line) == ("150199/dibao.toml", line_of(included, "value = 830"))
    assert "from（日期）和 value（数）" in found.zh and "写成 { from = 2026-01-01, value = 860" in found.zh
    assert "needs from (a date) and value (a number)" in found.en


# --- examples --------------------------------------------------------------------------------------------


def test_a_worked_example_that_comes_out_otherwise_is_named_with_both_outcomes(desk: Desk) -> None:
    path = desk.put(SMALL, "amount = 602", "amount = 600")
    found = desk.problem(path)
    assert (found.file, found.line) == (SMALL, line_of(path, 'en = "tier 2" }') - 1)
    assert "例子 “二档” 不符：amount 应为 600.00，得出 602.00" in found.zh and "请改正规则或例子" in found.zh
    assert "The example 'tier 2' fails: amount should be 600.00 but is 602.00" in found.en
    assert "Correct the rule or the example" in found.en


def test_a_changed_figure_shows_every_example_that_no_longer_comes_out(desk: Desk) -> None:
    path = desk.copy(SMALL)
    desk.put("150199/dibao.toml", "value = 860", "value = 900")
    found = desk.problems(path)
    names = ("tier 1: one month's", 'en = "tier 2" }', 'en = "tier 3" }')
    assert [p.line for p in found] == [line_of(path, name) - 1 for name in names]
    assert [re.findall(r"\d+\.\d\d", p.en) for p in found] == [
        ["860.00", "900.00"],
        ["602.00", "630.00"],
        ["344.00", "360.00"],
    ]


def test_an_example_that_must_be_refused_as_impossible_fails_when_it_is_decided(desk: Desk) -> None:
    path = desk.put(
        XINING, 'expect = { result = "refused", reasons = ["2"] }', 'expect = { error = "grants_this_year" }'
    )
    found = desk.problem(path)
    assert (found.file, found.line) == (XINING, line_of(path, "three grants this year") - 1)
    assert "error 应为 grants_this_year" in found.zh and "error should be grants_this_year" in found.en


# --- all at once -----------------------------------------------------------------------------------------


def test_every_fault_is_printed_in_the_order_of_the_lines(desk: Desk) -> None:
    faults = [
        (', source = "xining §2"', "", "value = 3 }"),
        (
            "most_in_year - granted_this_year, 0",
            "most_in_year - grants_this_year, 0",
            "most_in_year - grants_this_year",
        ),
        ('[category.hardship]\nclause = "1"', '[category.hardship]\nclause = "7"', 'clause = "7"'),
        ("grants_this_year >= most_times", "grants_this_year >= most_time", 'most_time"'),
    ]
    for before, after, _ in faults:
        path = desk.put(XINING, before, after)
    found = desk.problems(path)
    assert [(p.file, p.line) for p in found] == [(XINING, line_of(path, mark)) for *_, mark in faults]
    for said, problem in zip(("出处", "单位不一致", "没有条款 7", "most_time 没有定义"), found, strict=True):
        assert said in problem.zh


def test_every_table_fault_is_printed_besides_every_hole_in_time(desk: Desk) -> None:
    path = desk.put(COUNTY, '"20000 .. 49999.99"', '"20000 .. 50000"')
    desk.put(COUNTY, '{ when = { own = "<= 30000" }, tier = 3', '{ when = { own = "< 30000" }, tier = 3')
    found = desk.problems(path)
    assert [p.line for p in found] == [line_of(path, "20000 .. 50000"), line_of(path, "[table.medical]") + 5]
    assert "有重叠" in found[0].zh
    assert "表 medical 有空缺：个人自负医疗费用（own）= 30,000 元 时没有一行适用" in found[1].zh


def test_one_faulty_book_among_several_fails_the_run_and_hides_no_other(desk: Desk) -> None:
    xining = desk.put(XINING, ', source = "xining §2"', "")
    small = desk.put(SMALL, "amount = 602", "amount = 600")
    result = desk.run(xining, "150199", small)
    assert result.exit_code == 1
    assert f"{xining}: 1 个问题 problems" in result.stdout
    assert "150199: 没有问题 no problems" in result.stdout
    assert f"{small}: 1 个问题 problems" in result.stdout


@pytest.mark.parametrize(("lang", "other"), [("zh", "What to do"), ("en", "处理")])
def test_one_language_alone_can_be_asked_for(desk: Desk, lang: str, other: str) -> None:
    path = desk.put(XINING, ', source = "xining §2"', "")
    result = desk.run(path, "--lang", lang)
    said = {"zh": "没有注明出处。　处理：请写", "en": "names no source.  What to do: Write"}[lang]
    assert result.exit_code == 1
    assert said in result.stdout and other not in result.stdout


def test_examples_are_not_judged_by_faulty_rules_and_the_officer_is_told_so(desk: Desk) -> None:
    path = desk.put(XINING, "grants_this_year >= most_times", "granted_this_year > 3")
    desk.put(XINING, 'reasons = ["2"] }', 'reasons = ["3"] }')
    result = desk.run(path)
    assert "不符" not in result.stdout
    assert (
        f"{XINING}:{line_of(path, 'three grants this year') - 1}: 2 个算例没有运行，因为规则本身还有问题。"
        in result.stdout
    )
    assert "2 examples were not run" in result.stdout and "Correct the problems first" in result.stdout
    assert result.stdout.endswith(f"{path}: 1 个问题 problems\n")


def test_a_faulty_book_decides_nothing(desk: Desk) -> None:
    path = desk.put(XINING, "grants_this_year >= most_times", "grants_this_year >= most_time")
    result = CliRunner().invoke(cli, ["decide", "-", "--rulebook", str(path), "--json"], input="{}")
    assert (result.exit_code, result.stdout) == (2, "")
    line = line_of(path, 'most_time"')
    assert f"{XINING}:{line}: 名称 most_time 没有定义" in result.stderr
