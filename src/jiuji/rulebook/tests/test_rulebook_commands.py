"""The commands about rulebooks: list, show, gaps, examples, diff, sql; and simulate and population beside them."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import sqlglot
from click.testing import CliRunner, Result
from sqlglot import exp

from jiuji.cli import cli
from jiuji.rulebook.library import BOOKS, LEVELS, Library

COUNTY = "150199/example-county.toml"
XINING = "630100/xining.toml"
NATIONAL = "000000/national-2026.toml"
HAN = re.compile(r"[\u4e00-\u9fff]")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def good(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output or result.exception
    assert "\x1b" not in result.stdout
    return result.stdout


def read_json(*arguments: str | Path) -> Any:
    return json.loads(good(*arguments, "--json"))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def altered(book: str, *changes: tuple[str, str], file: str = "") -> Path:
    """A copy of a book's folder in the working directory, with pieces of text that stand there once replaced."""
    path = Path(book)
    if not path.parent.exists():
        shutil.copytree((BOOKS / book).parent, path.parent)
    changed = path.parent / (file or path.name)
    text = changed.read_text(encoding="utf-8")
    for before, after in changes:
        assert text.count(before) == 1, (before, text.count(before))
        text = text.replace(before, after)
    changed.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("command", ["show", "gaps", "sql", "examples"])
def test_an_unknown_rulebook_is_refused_with_those_there_are(command: str) -> None:
    result = run("rulebook", command, "150198")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "没有名为 “150198” 的救助标准" in result.stderr and "No rulebook answers to '150198'" in result.stderr
    assert "example-county" in result.stderr


# --- list ------------------------------------------------------------------------------------------------


def test_every_shipped_rulebook_is_listed_with_its_division_and_programme() -> None:
    lines = good("rulebook", "list").splitlines()
    told = {tuple(line.split(maxsplit=3)[:3]) for line in lines}
    assert told == {(b.id, b.division, b.programme) for b in Library().books.values()}
    assert len(told) == len(list(BOOKS.glob("*/*.toml"))) - 3, "three files are parts of others"
    assert "nei-menggu" in lines[1] and "内蒙古自治区临时救助实施意见（2018）" in lines[1]


# --- show ------------------------------------------------------------------------------------------------


def test_each_value_in_force_is_shown_with_who_set_it_by_what_document_and_where() -> None:
    rows = {row["name"]: row for row in read_json("rulebook", "show", "150199", "--on", "2026-03-02")}
    standard = rows["dibao_standard"]
    assert (standard["value"], standard["since"]) == ("860 元/人·月", "2026-01-01")
    assert (standard["level"], standard["rulebook"], standard["source"]) == (
        "county",
        "example-county",
        "sample-county §1",
    )
    text = (BOOKS / "150199" / standard["file"]).read_text(encoding="utf-8").splitlines()
    assert "value = 860" in text[standard["line"] - 1]


def test_what_a_lower_level_left_alone_is_shown_as_the_upper_levels() -> None:
    rows = {row["name"]: row for row in read_json("rulebook", "show", "150199")}
    assert (rows["own"]["level"], rows["own"]["rulebook"]) == ("region", "nei-menggu")
    assert (rows["own_threshold"]["level"], rows["own_threshold"]["rulebook"]) == ("county", "example-county")
    assert rows["own_threshold"]["open_to"] == "league" and rows["own"]["open_to"] is None


def test_every_line_that_is_shown_is_the_line_that_sets_the_value() -> None:
    folders = {"nei-menggu": "150000", "example-league": "150100", "example-county": "150199"}
    rows = read_json("rulebook", "show", "150199", "--on", "2026-03-02")
    assert len(rows) > 50
    for row in rows:
        line = (
            (BOOKS / folders[row["rulebook"]] / row["file"]).read_text(encoding="utf-8").splitlines()[row["line"] - 1]
        )
        wanted = "value = " if row["kind"] == "parameter" else r"^(formula|rows|gives|of|label) = "
        assert re.search(wanted, line), (row["name"], line)
        assert row["level"] in LEVELS and row["clause"] and row["label"]["zh"] and row["label"]["en"]


@pytest.mark.parametrize(
    ("day", "standard", "since"),
    [
        ("2024-12-31", "800 元/人·月", "2024-01-01"),
        ("2025-01-01", "830 元/人·月", "2025-01-01"),
        ("2027-05-01", "860 元/人·月", "2026-01-01"),
        ("2023-12-31", None, None),
    ],
)
def test_the_value_shown_is_the_one_in_force_on_the_day(day: str, standard: str | None, since: str | None) -> None:
    rows = {row["name"]: row for row in read_json("rulebook", "show", "150199", "--on", day)}
    assert (rows["dibao_standard"]["value"], rows["dibao_standard"]["since"]) == (standard, since)


def test_what_is_not_yet_set_is_shown_as_such() -> None:
    rows = {row["name"]: row for row in read_json("rulebook", "show", "341723")}
    assert rows["dibao_standard"]["value"] is None and rows["dibao_standard"]["open_to"] == "county"
    assert rows["medical.amount"]["value"] is None
    assert rows["floor"]["value"] == "急难型最低倍数 × 当地低保月标准"
    text = good("rulebook", "show", "341723")
    assert re.search(r"dibao_standard +当地低保月标准 +尚未规定", text)


def test_a_rulebook_is_shown_for_reading_in_either_language() -> None:
    chinese = good("rulebook", "show", "150199", "--on", "2026-03-02")
    assert "自治区 nei-menggu → 盟市 example-league → 旗县 example-county" in chinese
    assert re.search(r"dibao_standard +城市低保月标准 +860 元/人·月 +4\.1 +旗县 sample-county §1", chinese)
    english = good("rulebook", "show", "150199", "--on", "2026-03-02", "--lang", "en")
    assert "region nei-menggu → league example-league → county example-county" in english
    assert re.search(r"\nstudents +Students +Pre-school children \+", english)
    assert re.search(r"dibao_standard +Urban dibao standard +860 ", english)


def test_a_rulebook_shown_in_english_holds_no_chinese_word() -> None:
    assert HAN.findall(good("rulebook", "show", "150199", "--on", "2026-03-02", "--lang", "en")) == []


# --- gaps ------------------------------------------------------------------------------------------------


def test_a_complete_standard_has_no_gap() -> None:
    assert read_json("rulebook", "gaps", "150199") == []
    assert good("rulebook", "gaps", "150199") == "没有尚未规定的部分\n"
    assert good("rulebook", "gaps", "150199", "--lang", "en") == "Nothing is left open\n"


def test_what_no_level_has_set_is_listed_with_its_clause_and_the_level_that_may_set_it() -> None:
    gaps = read_json("rulebook", "gaps", "341723")
    assert [(g["name"], g["clause"], g["open_to"]) for g in gaps] == [
        ("dibao_standard", "1", "county"),
        ("township_limit", "1", "county"),
        ("medical.amount", "2", "county"),
    ]
    assert "共 3 项尚未规定" in good("rulebook", "gaps", "341723")


def test_the_regional_opinion_leaves_figures_and_time_limits_to_leagues_and_counties() -> None:
    gaps = {g["name"]: g["open_to"] for g in read_json("rulebook", "gaps", "nei-menggu")}
    assert gaps["dibao_standard"] == "league" and gaps["township_limit_emergency"] == "county"
    assert gaps["step.emergency.help_given"] == "league" and gaps["other_hardship_recognised"] == "county"
    assert set(gaps.values()) == {"league", "county"}
    text = good("rulebook", "gaps", "nei-menggu", "--lang", "en")
    assert re.search(r"step\.emergency\.help_given +.*time limit +3\.1 +league and below", text)
    assert f"{len(gaps)} left open" in text and not HAN.search(text)


def test_a_figure_is_a_gap_only_on_the_days_without_a_value() -> None:
    assert read_json("rulebook", "gaps", "150199", "--on", "2024-01-01") == []
    before = {g["name"] for g in read_json("rulebook", "gaps", "150199", "--on", "2023-12-31")}
    assert {"dibao_standard", "income_line", "least_award"} <= before


# --- examples --------------------------------------------------------------------------------------------


def test_the_worked_examples_of_the_county_all_come_out_as_written() -> None:
    text = good("rulebook", "examples", "150199", "--no-explain")
    assert text.count("✓ ") == 62 and "✗" not in text
    assert text.endswith("示例旗临时救助标准（示例数据）：62 个算例，0 个不符\n")
    assert "可予救助：20,640 元（1 档）" in text


def test_examples_are_printed_with_the_reasons_unless_told_otherwise() -> None:
    long, short = good("rulebook", "examples", "xining"), good("rulebook", "examples", "xining", "--no-explain")
    assert "本年已救助次数  3 次" in long and "本年已救助次数  3 次" not in short
    assert "不予救助：本年已救助三次（2）" in long and "不予救助：本年已救助三次（2）" in short
    english = good("rulebook", "examples", "xining", "--lang", "en")
    assert english.endswith("2 examples, 0 failed\n") and not HAN.search(english)


def test_an_example_that_comes_out_otherwise_is_marked_and_fails_the_run(desk: Path) -> None:
    path = altered(XINING, ('reasons = ["2"] }', 'reasons = ["3"] }'))
    result = run("rulebook", "examples", path, "--no-explain")
    assert result.exit_code == 1
    assert re.search(r"✗ 本年已救助三次 ", result.stdout) and re.search(r"✓ 本年额度已用完 ", result.stdout)
    assert result.stdout.endswith("2 个算例，1 个不符\n")


# --- diff ------------------------------------------------------------------------------------------------


def test_a_rulebook_does_not_differ_from_itself() -> None:
    assert good("rulebook", "diff", "150199", "150199") == "两个标准相同\n"
    assert good("rulebook", "diff", "xining", "xining", "--lang", "en") == "The two rulebooks are the same\n"
    assert read_json("rulebook", "diff", "150199", "example-county") == []


def test_a_changed_figure_is_told_in_words_before_and_after(desk: Path) -> None:
    path = altered(COUNTY, ("value = 860", "value = 900"), file="dibao.toml")
    (found,) = read_json("rulebook", "diff", "150199", path)
    assert found["section"] == "参数" and found["name"] == "城市低保月标准 dibao_standard"
    assert found["before"].endswith("2026-01-01 起 860 元/人·月") and found["after"].endswith(
        "2026-01-01 起 900 元/人·月"
    )
    text = good("rulebook", "diff", "150199", path, "--lang", "en")
    assert "Urban dibao standard dibao_standard" in text and not HAN.search(text)
    assert re.search(r"− .*860 yuan per person and month\n +\+ .*900 yuan per person and month\n1 difference", text)


CHANGES = {
    "a formula": (
        XINING,
        ("greatest(most_in_year - granted_this_year, 0)", "most_in_year"),
        "计算",
        ("本年剩余额度 room", "（全年最高 − 本年已救助金额），最低为 0", "全年最高"),
    ),
    "a ground": (
        XINING,
        ("grants_this_year >= most_times", "grants_this_year > most_times"),
        "不予救助理由",
        ("本年已救助三次 2", "本年已救助次数 ≥ 全年最多次数", "本年已救助次数 ＞ 全年最多次数"),
    ),
    "who decides": (
        XINING,
        ('refusal = "county"', 'refusal = "township"'),
        "审批权限",
        ("审批权限 expenditure", "不予救助 → 旗县（市、区）民政部门", "不予救助 → 苏木乡镇（街道）"),
    ),
    "a time limit": (
        NATIONAL,
        ('forms = ["hand_out_receipt"]', 'forms = ["hand_out_receipt"]\nwaivable = true'),
        "程序",
        ("审核确认并给予救助 emergency.help_given", "申请之日后 3 天", "可简化"),
    ),
    "the bounds of a fact": (
        NATIONAL,
        ("min = 1\nmax = 3", "min = 1\nmax = 4"),
        "事实",
        ("困难程度档次（1 最重） severity", "1 档 – 3 档", "1 档 – 4 档"),
    ),
    "when a panel may be called": (
        COUNTY,
        ("own > panel_own AND own > panel_years", "own > panel_own AND own >= panel_years"),
        "特别救助",
        ("可启动特别救助（一事一议） 4.2", "＞ 特别救助收入倍数", "≥ 特别救助收入倍数"),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_changed_rule_is_told_in_words_before_and_after(desk: Path, change: str) -> None:
    book, edit, section, (name, before, after) = CHANGES[change]
    found = read_json("rulebook", "diff", BOOKS / book, altered(book, edit))
    (told,) = (row for row in found if row["section"] == section)
    assert told["name"] == name
    assert before in told["before"] and after in told["after"] and told["before"] != told["after"]


UNTOLD = {
    "the grounds that bar a panel": (
        COUNTY,
        ('unless_refused_under = ["2.2", "3.0"]', 'unless_refused_under = ["2.2"]'),
    ),
    "what a panel may add": (COUNTY, ('up_to = "panel_most"', 'up_to = "panel_own"')),
    "the first day in force": (COUNTY, ("from = 2024-01-01\ninclude", "from = 2025-01-01\ninclude")),
    "the last day of a figure": (XINING, ("2020-01-01, value = 3,", "2020-01-01, until = 2030-01-01, value = 3,")),
    "what a fact is counted from": (XINING, ('count = "calendar_year"', 'count = "12_months"')),
    "when an official may decide": (XINING, ('up_to = "township_limit",', 'up_to = "township_limit", when = "FALSE",')),
    "what cannot be": (
        XINING,
        (
            "[award]",
            '[constraint.x]\nthat = "grants_this_year <= most_times"\nlabel = { zh = "甲", en = "A" }\n\n[award]',
        ),
    ),
    "how many officers go": (NATIONAL, ("[step.emergency.help_given]", "[step.emergency.help_given]\nofficers = 2")),
    "who takes a step": (NATIONAL, ('roles = ["window_clerk"]', 'roles = ["township_approver"]')),
}


@pytest.mark.parametrize("change", UNTOLD)
def test_rulebooks_that_differ_are_never_called_the_same(desk: Path, change: str) -> None:
    book, edit = UNTOLD[change]
    assert read_json("rulebook", "diff", BOOKS / book, altered(book, edit)) != []


def test_two_formulas_that_pay_differently_are_told_in_different_words(desk: Path) -> None:
    """Of 800.50 yuan the first pays 800.50 where the room is 900, the second 800."""
    shipped = "formula = \"least(round_half_up(amount, 'yuan'), round_down(room, 'yuan'))\""
    one = altered(XINING, (shipped, "formula = \"least(amount, round_down(room, 'yuan'))\""))
    other = one.with_name("other.toml")
    text = one.read_text(encoding="utf-8")
    other.write_text(
        text.replace("least(amount, round_down(room, 'yuan'))", "round_down(least(amount, room), 'yuan')"),
        encoding="utf-8",
    )
    assert read_json("rulebook", "diff", one, other) != []


def test_what_a_county_adds_to_the_opinion_is_told_against_nothing() -> None:
    found = {(row["section"], row["name"]): row for row in read_json("rulebook", "diff", "nei-menggu", "150199")}
    assert found["参数", "城市低保月标准 dibao_standard"]["before"] == "尚未规定"
    assert found["事实", "金融资产 financial_assets"]["before"] == ""
    assert "金融资产 ≤ 金融资产限额" in found["计算", "财产状况符合规定 property_ok"]["after"]
    text = good("rulebook", "diff", "nei-menggu", "150199")
    assert "− （无）" in text and f"共 {len(found)} 处不同" in text


# --- sql -------------------------------------------------------------------------------------------------

OUTPUT = ["result", "category", "track", "tier", "amount", "range_least", "range_most"]
OUTPUT += ["authority", "special_panel", "reasons", "missing", "error"]


@pytest.mark.parametrize("dialect", ["duckdb", "spark", "postgres"])
@pytest.mark.parametrize("book", ["150199", "xining", "341723", "nei-menggu", "rigid-expenditure"])
def test_a_rulebook_becomes_one_select_that_the_dialect_can_read(book: str, dialect: str) -> None:
    text = good("rulebook", "sql", book, "--dialect", dialect, "--table", "gov.cases")
    (tree,) = sqlglot.parse(text, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(tree, exp.Select)
    tables = {f"{t.db}.{t.name}" for t in tree.find_all(exp.Table) if t.db}
    assert tables == {"gov.cases"}, "it reads the table that was named and no other"
    if dialect != "duckdb":
        assert tree.named_selects[-len(OUTPUT) :] == OUTPUT


def test_the_statement_runs_on_a_table_and_decides_it_as_the_batch_does(desk: Path) -> None:
    good("population", "households.parquet", "--rows", "2000", "--seed", "3")
    good("decide-batch", "households.parquet", "decided.parquet", "--rulebook", "150199")
    text = good("rulebook", "sql", "150199", "--carry", "household_id")
    with duckdb.connect() as database:
        database.execute("CREATE VIEW households AS SELECT * FROM 'households.parquet'")
        found = database.sql(f"SELECT household_id, {', '.join(OUTPUT)} FROM ({text}) ORDER BY 1").fetchall()
    decided = pq.read_table("decided.parquet", columns=["household_id", *OUTPUT]).to_pylist()
    assert found == [tuple(row.values()) for row in decided]
    assert {row["result"] for row in decided} == {"granted", "refused"}


def test_the_day_of_application_of_rows_without_one_can_be_fixed_in_the_statement() -> None:
    text = good("rulebook", "sql", "150199", "--on", "2025-06-30")
    assert "DATE '2025-06-30'" in text


# --- simulate --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def households(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("population") / "households.parquet"
    good("population", path, "--rows", "3000", "--seed", "20260101")
    return path


@pytest.fixture
def raised(desk: Path) -> Path:
    """The county's standard with a higher dibao standard from 2026 and a higher least award."""
    altered(COUNTY, ("value = 860", "value = 900"), file="dibao.toml")
    return altered(COUNTY, ("value = 300, source", "value = 600, source"))


def test_a_change_of_nothing_moves_nobody(households: Path) -> None:
    report = read_json("simulate", "150199", "150199", "--population", households)
    assert report["households"] == 3000
    assert report["recipients"]["old"] == report["recipients"]["new"] > 500
    assert report["cost"]["old"] == report["cost"]["new"]
    assert report["winners"] == {"households": 0, "gain": "0.00", "newly_granted": 0}
    assert report["losers"] == {"households": 0, "loss": "0.00", "no_longer_granted": 0}


def test_a_change_is_counted_household_by_household(desk: Path, raised: Path, households: Path) -> None:
    """Every figure of the report is counted again from the two decided tables."""
    report = read_json("simulate", "150199", raised, "--population", households)
    paid: dict[str, list[tuple[str, Any]]] = {}
    for name, book in (("old", "150199"), ("new", raised)):
        good("decide-batch", households, f"{name}.parquet", "--rulebook", book)
        rows = pq.read_table(f"{name}.parquet", columns=["result", "amount"]).to_pylist()
        paid[name] = [(row["result"], row["amount"] or 0) for row in rows]
    pairs = list(zip(paid["old"], paid["new"], strict=True))
    gains = [new[1] - old[1] for old, new in pairs if new[1] > old[1]]
    losses = [old[1] - new[1] for old, new in pairs if new[1] < old[1]]
    assert report["recipients"] == {n: sum(r == "granted" for r, _ in paid[n]) for n in paid}
    assert report["cost"] == {n: f"{sum(a for _, a in paid[n]):.2f}" for n in paid}
    ups = sum(old[0] != "granted" and new[0] == "granted" for old, new in pairs)
    downs = sum(old[0] == "granted" and new[0] != "granted" for old, new in pairs)
    assert report["winners"] == {"households": len(gains), "gain": f"{sum(gains):.2f}", "newly_granted": ups}
    assert report["losers"] == {"households": len(losses), "loss": f"{sum(losses):.2f}", "no_longer_granted": downs}
    assert len(gains) > 100 and downs > 10


def test_the_parts_of_a_report_add_up_to_the_whole(raised: Path, households: Path) -> None:
    report = read_json("simulate", "150199", raised, "--population", households)
    for part in ("by_category", "by_tier", "by_division"):
        for side in ("old", "new"):
            assert sum(row["recipients"][side] for row in report[part]) == report["recipients"][side]
            assert sum(float(row["cost"][side]) for row in report[part]) == float(report["cost"][side])
        assert sum(row["winners"] for row in report[part]) == report["winners"]["households"]
        assert sum(row["losers"] for row in report[part]) == report["losers"]["households"]
    assert sum(row["new"] for row in report["by_amount"]) == report["recipients"]["new"]
    assert [row["key"] for row in report["by_category"]] == ["2.1.1", "2.1.2", "2.2.3", "2.2.4", "2.2.5", "2.2.6"]
    assert [row["key"] for row in report["by_tier"]] == ["1", "2", "3"]


class Page(HTMLParser):
    """What a page would load, run or link to, its tags, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[tuple[str, str]] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "href", "xlink:href", "data", "poster", "action", "background"):
                self.loads.append((tag, value or ""))

    def handle_data(self, data: str) -> None:
        self.text += data + " "


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_of_a_simulation_loads_nothing_from_anywhere(raised: Path, households: Path, lang: str) -> None:
    result = run("simulate", "150199", raised, "--population", households, "--html", "page.html", "--lang", lang)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "page.html" in result.stderr
    text = Path("page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.loads == []
    assert page.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"} == set()
    assert not re.search(r"https?:|//\w|@import|url\(|\bon\w+=", text)
    assert {"html", "svg", "table"} <= page.tags


def test_the_page_of_a_simulation_shows_the_figures_of_the_report(raised: Path, households: Path) -> None:
    result = run("simulate", "150199", raised, "--population", households, "--html", "page.html", "--json")
    report = json.loads(result.stdout)
    text = Page(Path("page.html").read_text(encoding="utf-8")).text
    assert "3,000" in text and f"{report['recipients']['new']:,}" in text
    assert f"{float(report['cost']['new']):,.0f}" in text and f"{float(report['losers']['loss']):,.0f}" in text
    for row in report["by_category"]:
        assert row["key"] in text and f"{float(row['cost']['new']):,.0f}" in text
    assert "意外事件 2.1.1" in text and "示例旗临时救助标准（示例数据）" in text


def test_a_simulation_is_printed_as_a_table_in_either_language(raised: Path, households: Path) -> None:
    report = read_json("simulate", "150199", raised, "--population", households)
    whole = [
        report["recipients"]["old"],
        report["recipients"]["new"],
        *(int(float(c)) for c in report["cost"].values()),
    ]
    whole += [report["winners"]["households"], report["losers"]["households"]]
    chinese = good("simulate", "150199", raised, "--population", households)
    english = good("simulate", "150199", raised, "--population", households, "--lang", "en")
    for text, name in ((chinese, "合计"), (english, "All")):
        (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
        assert line.split()[1:] == [f"{figure:,}" for figure in whole]
    assert not HAN.search(english)


def test_a_population_that_is_not_there_is_refused_and_no_page_written(desk: Path) -> None:
    result = run("simulate", "150199", "150199", "--population", "nobody.parquet", "--html", "page.html")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "没有文件 nobody.parquet" in result.stderr and "There is no file nobody.parquet" in result.stderr
    assert not Path("page.html").exists()


# --- population ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["p.parquet", "p.csv"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(desk: Path, name: str) -> None:
    made = []
    for folder, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        Path(folder).mkdir()
        target = f"{folder}/{name}"
        assert good("population", target, "--rows", "1500", "--seed", seed) == f"{target}: 1,500\n"
        made.append(Path(target).read_bytes())
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_facts_can_be_left_unknown_and_the_county_still_decides_what_it_can(desk: Path) -> None:
    good("population", "p.parquet", "--rows", "1500", "--missing", "0.3")
    summary = read_json("decide-batch", "p.parquet", "d.parquet", "--rulebook", "150199")
    assert summary["rows"] == 1500 and summary["errors"] == {}
    assert set(summary["results"]) == {"granted", "refused", "undetermined"}


@pytest.mark.parametrize(
    "options", [["p.xlsx"], ["p.csv", "--seed", "-1"], ["p.csv", "--rows", "-1"], ["p.csv", "--missing", "1.5"]]
)
def test_a_population_that_cannot_be_is_refused(desk: Path, options: list[str]) -> None:
    result = run("population", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr
    assert list(desk.iterdir()) == []
