"""Whatever is wrong with a rulebook file, the check says so with its place; it never breaks down."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jiuji.rulebook.check import check

from .test_tutorial import blocks

TEXT = "\n".join(blocks("tutorial.md", "toml"))
LINES = TEXT.split("\n")
KEYS = [i for i, line in enumerate(LINES) if re.match(r"[a-z_]+ = ", line)]
VALUES = [m.span(2) for m in re.finditer(r'([a-z_]+ = )("[^"]*"|[0-9][0-9.-]*|true|false|\{\})', TEXT)]
KINDS = """3|-1|0|1e30|nan|true|[]|{}|[{}]|[3]|["a"]|2026-01-01|""|"x"|"deaths"|"cause"|"household_size +"|"> "|".."|">= x\""""
WRONG = KINDS.split("|")


def must_say(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rulebook.toml"
        path.write_text(text, encoding="utf-8")
        for problem in check(path):
            assert problem.zh and problem.en
            assert problem.file.endswith(".toml")
            assert problem.line >= 1


@settings(deadline=None, max_examples=120)
@given(where=st.sampled_from(VALUES), value=st.sampled_from(WRONG))
@example(where=VALUES[0], value="{}")
def test_any_value_may_be_of_any_wrong_kind(where: tuple[int, int], value: str) -> None:
    must_say(TEXT[: where[0]] + value + TEXT[where[1] :])


@settings(deadline=None, max_examples=60)
@given(line=st.sampled_from(KEYS), value=st.sampled_from(WRONG))
def test_any_line_may_be_of_any_wrong_kind(line: int, value: str) -> None:
    key = LINES[line].split("=", 1)[0]
    must_say("\n".join([*LINES[:line], f"{key}= {value}", *LINES[line + 1 :]]))


@settings(deadline=None, max_examples=60)
@given(lines=st.sets(st.integers(0, len(LINES) - 1), min_size=1, max_size=5))
def test_any_lines_may_be_lost(lines: set[int]) -> None:
    must_say("\n".join(line for i, line in enumerate(LINES) if i not in lines))


def test_a_condition_that_is_a_number_is_refused_with_its_line() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rulebook.toml"
        path.write_text(TEXT.replace('when = "award < least_award"', 'when = "least_award"'), encoding="utf-8")
        problems = [p for p in check(path) if not p.warning]
    assert len(problems) == 1
    assert LINES[problems[0].line - 1].startswith("when =")
    assert "A condition is needed here" in problems[0].en
