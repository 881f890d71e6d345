"""The tutorial is followed as it is written: block by block, command by command, in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from jiuji.cli import cli
from jiuji.rulebook.check import check
from jiuji.rulebook.decision import load

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("tutorial.md", "tutorial.zh-CN.md")


def blocks(page: str, kind: str) -> list[str]:
    """The code blocks of a page whose fence says exactly ``kind``."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S)


def faults(path: Path) -> list[str]:
    return [str(p) for p in check(path) if not p.warning]


@pytest.fixture
def county(tmp_path: Path) -> Path:
    path = tmp_path / "my-county.toml"
    path.write_text("\n".join(blocks("tutorial.md", "toml")), encoding="utf-8")
    return path


def test_both_languages_build_the_same_rulebook() -> None:
    assert blocks(PAGES[0], "toml") == blocks(PAGES[1], "toml")
    assert len(blocks(PAGES[0], "toml")) == 7
    assert blocks(PAGES[0], "json") == blocks(PAGES[1], "json")


def test_the_rulebook_checks_after_every_step_and_the_gaps_close(tmp_path: Path) -> None:
    path, text, left = tmp_path / "my-county.toml", "", []
    for block in blocks("tutorial.md", "toml"):
        text += block + "\n"
        path.write_text(text, encoding="utf-8")
        assert faults(path) == []
        said = CliRunner().invoke(cli, ["rulebook", "gaps", str(path), "--lang", "en"]).output
        found = re.search(r"(\d+) left open", said)
        left.append(int(found.group(1)) if found else 0)
    assert left[0] == 36  # the figure that the page gives
    assert left == sorted(left, reverse=True)
    assert left[-2:] == [0, 0]


def test_the_mistakes_made_on_purpose_are_reported_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = "\n".join(blocks("tutorial.md", "toml")[:3])
    wrong = first.replace('expected_self_paid = "< 50000"', 'expected_self_paid = "< 40000"')
    wrong = wrong.replace("least(household_size", "least(houshold_size")
    (tmp_path / "my-county.toml").write_text(wrong, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["rulebook", "check", "my-county.toml"])
    assert result.exit_code == 1
    for page in PAGES:
        shown = next(b for b in blocks(page, "text") if "houshold_size" in b)
        assert shown == result.output


@pytest.mark.parametrize(("page", "lang"), [(PAGES[0], "en"), (PAGES[1], "zh")])
def test_the_case_is_answered_as_printed(page: str, lang: str, county: Path, tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    case.write_text(blocks(page, "json")[0], encoding="utf-8")
    said = CliRunner().invoke(cli, ["decide", str(case), "--rulebook", str(county), "--lang", lang]).output
    shown = blocks(page, "text")[-1]
    assert said.startswith(shown)


def test_a_lower_threshold_from_next_year_touches_next_years_cases_only(county: Path, tmp_path: Path) -> None:
    plan = tmp_path / "my-county-plan.toml"
    now = '{ from = 2026-01-01, value = 12000, source = "my-standard §3" }'
    text = county.read_text(encoding="utf-8").replace('id = "my-county"', 'id = "my-county-plan"')
    plan.write_text(text.replace(now, now + ', { from = 2027-01-01, value = 8000, source = "my-standard §3" }'))
    assert faults(plan) == []
    people = tmp_path / "people.parquet"
    runner = CliRunner()
    assert runner.invoke(cli, ["population", str(people), "--rows", "2000"]).exit_code == 0
    command = ["simulate", str(county), str(plan), "--population", str(people), "--json", "--on"]
    before = json.loads(runner.invoke(cli, [*command, "2026-12-31"]).stdout)
    after = json.loads(runner.invoke(cli, [*command, "2027-03-01"]).stdout)
    assert before["winners"]["households"] == before["losers"]["households"] == 0
    assert after["winners"]["households"] > 0 == after["losers"]["households"]
    assert after["on"] == "2027-03-01"
    assert after["invalid"] == before["invalid"] == 0
    gain = {r["key"]: r["winners"] for r in after["by_category"]}
    assert [k for k, winners in gain.items() if winners] == ["2.2.3"]


def test_the_example_lines_of_the_page_are_valid_values(county: Path) -> None:
    for page in PAGES:
        (lines,) = blocks(page, "toml example")
        text = county.read_text(encoding="utf-8")
        old = 'values = [{ from = 2026-01-01, value = 850, source = "my-standard §1" }]\n'
        assert old in text
        county.write_text(text.replace(old, lines), encoding="utf-8")
        assert faults(county) == []
        county.write_text(text, encoding="utf-8")
    assert load(str(county)).program.parameters["dibao_standard"].values[0].value == 85000
