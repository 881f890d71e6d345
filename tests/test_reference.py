"""The reference and the command-line page are compared with the program: keys, messages, recipes, commands, outputs.

A table of the pages is found by the remark in front of it, such as ``<!-- keys: fact -->``. What it must hold is
read from the program, by asking it (what keys does an unknown one get offered?) or from its own text (which
messages can it write?), never from a list in this file.
"""

from __future__ import annotations

import ast
import functools
import itertools
import json
import re
import shlex
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest
from click.testing import CliRunner

from jiuji.cli import cli
from jiuji.rulebook import batch, builder, calendar, check, expression, library, load, program, shapes, terminal, units

from .test_tutorial import blocks

DOCS = Path(__file__).resolve().parents[1] / "docs"
REFERENCE = ("rulebook-reference.md", "rulebook-reference.zh-CN.md")
COMMANDS = ("command-line.md", "command-line.zh-CN.md")

# --- running a page ------------------------------------------------------------------------------------


def chapters(page: str, level: int) -> dict[str, str]:
    """The chapters of a page that have a heading of this level, by heading, as far as the next such or higher."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.split(rf"^(#{{1,{level}}}) (.+)$", re.sub(r"^(```.*?^```)$", _hide, text, flags=re.M | re.S), flags=re.M)
    return {
        title: body.replace("\0#", "#")
        for marks, title, body in zip(found[1::3], found[2::3], found[3::3], strict=True)
        if len(marks) == level
    }


def _hide(block: re.Match[str]) -> str:
    """A remark in a code block is no heading."""
    return re.sub(r"^#", "\0#", block.group(1), flags=re.M)


def fences(text: str) -> list[tuple[str, str]]:
    """(what the fence says, content) of every code block."""
    return re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S)


def follow(text: str) -> Iterator[tuple[str, str]]:
    """Do what the blocks say, in the working directory; yields (shown, found) for every output that is printed.

    ``toml file NAME`` and ``json file NAME`` are written; ``toml add NAME`` goes to the end of a file, ``toml
    replace NAME`` in place of the section that begins alike; ``sh`` is run; ``csv shows NAME`` is a file as it is then.
    """
    said = ""
    for fence, content in fences(text):
        kind, action, name = (*fence.split(), "", "", "")[:3]
        if action == "file":
            Path(name).write_text(content, encoding="utf-8")
        elif action == "add":
            with Path(name).open("a", encoding="utf-8") as file:
                file.write("\n" + content)
        elif action == "replace":
            Path(name).write_text(replaced(Path(name).read_text(encoding="utf-8"), content), encoding="utf-8")
        elif kind == "sh":
            said = "".join(run(line) for line in content.splitlines() if line.strip())
        elif action == "shows":
            yield content, Path(name).read_text(encoding="utf-8")
        elif kind == "text":
            yield content, said


def replaced(text: str, section: str) -> str:
    """The file with the section of the same header (and its sub-tables) gone and this one in its place."""
    header = section.split("\n", 1)[0]
    sections = re.split(r"^(?=\[(?!\[|[^\]]*\.values\]))|^(?=\[\[)", text, flags=re.M)
    (old,) = [s for s in sections if s.startswith(header + "\n")]
    return text.replace(old, section + "\n")


def run(line: str) -> str:
    """One command line as printed on a page. A remark may give its exit code, or say that only one line is shown."""
    words = shlex.split(line, comments=True)
    assert words[0] == ".venv/bin/jiuji", line
    remark = line.partition(" #")[2]
    files = {}
    for mark in ("<", ">", "2>"):
        if mark in words:
            at = words.index(mark)
            files[mark] = Path(words[at + 1])
            del words[at : at + 2]
    given = files["<"].read_bytes() if "<" in files else None
    result = CliRunner().invoke(cli, words[1:], input=given, prog_name="jiuji")
    expected = re.search(r"(?:exit code|退出码) (\d)", remark)
    assert result.exit_code == (int(expected.group(1)) if expected else 0), f"{line}\n{result.output}"
    if ">" in files:
        files[">"].write_bytes(result.stdout_bytes)
        return result.stderr
    if "2>" in files:
        files["2>"].write_text(result.stderr, encoding="utf-8")
        return result.stdout
    if re.search(r"first line|第一行", remark):
        return result.output.split("\n", 1)[0] + "\n"
    return result.output


def same(shown: str, found: str) -> bool:
    """Whether an output is as printed; … stands for anything in its line, alone in a line for any lines."""
    parts = [
        "(?:.*\n)*?" if line.strip() == "…" else re.escape(line.rstrip()).replace("…", ".*") + "\n"
        for line in shown.splitlines()
    ]
    return re.fullmatch("".join(parts), "".join(line.rstrip() + "\n" for line in found.splitlines())) is not None


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two rulebooks that the recipes begin with."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-county.toml").write_text("\n".join(blocks("tutorial.md", "toml")), encoding="utf-8")
    (small,) = blocks(REFERENCE[0], "toml file small.toml")
    (tmp_path / "small.toml").write_text(small, encoding="utf-8")
    return tmp_path


def recipes(page: str) -> list[str]:
    """The recipes of a page: the chapters below the one called so."""
    book = chapters(page, 2)
    (body,) = [text for title, text in book.items() if title in ("Recipes", "常用做法 Recipes")]
    return re.split(r"^### .+$", body, flags=re.M)


@pytest.mark.parametrize("page", REFERENCE)
@pytest.mark.parametrize("number", range(len(recipes(REFERENCE[0]))))
def test_every_recipe_comes_out_as_printed(page: str, number: int, desk: Path) -> None:
    shown = list(follow(recipes(page)[number]))
    assert shown, "a recipe shows what comes out"
    for printed, found in shown:
        assert same(printed, found), found


# --- tables of the pages -------------------------------------------------------------------------------


def tables(page: str) -> Iterator[tuple[str, list[list[str]]]]:
    """(what the remark in front says, the rows cell by cell) of every marked table."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for mark, body in re.findall(r"^<!-- (.+?) -->\n((?:\|.*\n)+)", text, re.M):
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in body.splitlines()[2:]]
        yield mark, [[cell.strip() for cell in row] for row in rows]


def named(cell: str) -> list[str]:
    """What stands in code marks."""
    return re.findall(r"`([^`]+)`", cell)


def key_tables(page: str) -> dict[str, dict[str, list[str]]]:
    """Section → key → the rest of its row."""
    found: dict[str, dict[str, list[str]]] = {}
    for mark, rows in tables(page):
        if mark.startswith("keys: "):
            keys = [named(row[0])[0] for row in rows]
            assert len(keys) == len(set(keys)), mark
            for section in mark.removeprefix("keys: ").split(", "):
                found[section] = {key: row[1:] for key, row in zip(keys, rows, strict=True)}
    return found


def value_tables(page: str) -> dict[str, list[str]]:
    """What is listed → its names. The table of units has two pairs of columns."""
    return {
        mark.removeprefix("values: "): [
            name.split("(")[0]
            for row in rows
            for cell in (row[::2] if mark.endswith("units") else row[:1])
            for name in named(cell)
        ]
        for mark, rows in tables(page)
        if mark.startswith("values: ")
    }


# --- asking the program --------------------------------------------------------------------------------

STRANGE = "zzqx"
SECTIONS = (*library.NAMED, *library.SINGLE, *library.LISTS, "rulebook")


def small() -> str:
    (text,) = blocks(REFERENCE[0], "toml file small.toml")
    return text


def problems(text: str, folder: Path) -> list[str]:
    """What the check says of a text, as far as it is a fault."""
    path = folder / "tried.toml"
    path.write_text(text, encoding="utf-8")
    return [f"{p.en} {p.fix_en}" for p in check.check(path) if not p.warning]


def header(section: str) -> str:
    if section in library.LISTS:
        return f"[[{section}]]"
    return {"step": "[step.emergency.zz_step]"}.get(
        section, f"[{section}]" if section in library.SINGLE else f"[{section}.zz_{section}]"
    )


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Section → the keys that the check offers to whoever writes an unknown one."""
    folder = tmp_path_factory.mktemp("accepted")
    text = re.sub(r"^\[award\]\n(?:.+\n)+", "", small(), flags=re.M)
    said = problems(
        text + "".join(f"\n{header(s)}\n{STRANGE} = 1\n" for s in SECTIONS if s != "rulebook"), folder
    ) + problems(text.replace("[rulebook]\n", f"[rulebook]\n{STRANGE} = 1\n"), folder)
    offered: dict[str, set[str]] = {}
    for line in said:
        found = re.match(rf"\[+([a-z]+)[^ ]*\]+ has no key {STRANGE}\. Use (.+)\.$", line)
        if found:
            offered[found.group(1)] = set(found.group(2).split(", "))
    # an example is looked at twice: when it is read, and when it is run
    example = re.sub(r"(\[\[example\]\]\n)", r"\1{}", small())
    values = {"label": '{ zh = "例", en = "x" }', "on": "2026-03-02"}
    offered["example"] = {
        key
        for key in offered["example"]
        if key in ("name", "case", "expect")
        or not problems(example.replace("{}", f"{key} = {values.get(key, repr('1'))}\n", 1), folder)
    }
    every = set().union(*offered.values(), *shapes.SHAPES.values(), shapes._COMMON)
    anywhere = problems(
        small() + "\n[points.zz_points]\n" + "".join(f"{key} = {STRANGE!r}\n" for key in sorted(every)), folder
    )
    refused = {m.group(1) for line in anywhere if (m := re.match(r"\[points\.zz_points\] has no key (\w+)\.", line))}
    wrong_kind = {m.group(1) for line in anywhere if (m := re.match(r"(\w+) of \[points\.zz_points\] must be", line))}
    offered["common"] = every - refused - wrong_kind - offered["points"] - set(shapes.SHAPES["points"])
    return offered


def test_every_section_has_its_table_of_keys() -> None:
    for page in REFERENCE:
        assert {s for s in key_tables(page) if "." not in s} == {*SECTIONS, "common"}


@pytest.mark.parametrize("page", REFERENCE)
def test_the_keys_of_every_section_are_those_that_the_loader_accepts(page: str, accepted: dict[str, set[str]]) -> None:
    written = {section: set(keys) for section, keys in key_tables(page).items() if "." not in section}
    assert written == accepted


@pytest.mark.parametrize("page", REFERENCE)
def test_the_kind_of_every_key_is_the_one_that_the_loader_wants(page: str) -> None:
    for section, keys in key_tables(page).items():
        for key, (kind, *_) in keys.items() if section in shapes.SHAPES or section == "common" else ():
            assert kind == (shapes.SHAPES.get(section, {}).get(key) or shapes._COMMON.get(key, "any")), (section, key)


# --- what stands below a key ---------------------------------------------------------------------------


@functools.cache
def parsed(name: str) -> ast.Module:
    return ast.parse((Path(builder.__file__).parents[1] / name).read_text(encoding="utf-8"))


def read_from(name: str, function: str, variable: str) -> set[str]:
    """The keys that a function reads from a variable: ``row.get("when")``, ``row["when"]``, ``"when" in row``."""
    found: set[ast.expr] = set()
    for body in [n for n in ast.walk(parsed(name)) if isinstance(n, ast.FunctionDef) and n.name == function]:
        for node in ast.walk(body):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                place, keys = node.func.value, node.args[:1]
            elif isinstance(node, ast.Subscript):
                place, keys = node.value, [node.slice]
            elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
                place, keys = node.comparators[0], [node.left]
            else:
                continue
            if isinstance(place, ast.Name) and place.id == variable:
                found.update(keys)
    return {key.value for key in found if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def offered(text: str, begins: str, folder: Path) -> set[str]:
    """The words that a message lists: after its last ``Use``, ``one of`` or ``is one of``."""
    (line,) = {line for line in problems(text, folder) if line.startswith(begins)}
    return set(re.split(r", ", re.split(r"Use one of |is one of |Use ", line)[-1].rstrip(".")))


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """``section.key`` → the keys that may stand below it."""
    folder = tmp_path_factory.mktemp("below")
    tables_py = "builder/tables.py"
    compared = {
        str(c.comparators[0].value)
        for c in ast.walk(parsed("case.py"))
        if isinstance(c, ast.Compare)
        and isinstance(c.left, ast.Name)
        and c.left.id == "what"
        and isinstance(c.comparators[0], ast.Constant)
    }
    return {
        "fact.history": {*compared, "count"},  # the last branch of the three has no name in the code
        "parameter.values": read_from("builder/values.py", "_parameter", "value")
        | read_from("builder/values.py", "_for_division", "value"),
        "quantity.versions": read_from("builder/quantities.py", "_dated", "version") | {"formula"},
        "table.rows": read_from(tables_py, "_rows", "row"),
        "table.versions": read_from(tables_py, "_table", "v"),
        "bands.rows": read_from(tables_py, "_bands", "row"),
        "points.rows": read_from(tables_py, "_points", "row"),
        "authority.rows": read_from("builder/outcome.py", "_authority", "row"),
        "step.within": offered(small().replace("working_days", "days"), "The time limit", folder),
        "example.expect": set(check.EXPECTED),
    }


@pytest.mark.parametrize("page", REFERENCE)
def test_what_may_stand_below_a_key_is_what_the_loader_reads(page: str, below: dict[str, set[str]]) -> None:
    assert {section: set(keys) for section, keys in key_tables(page).items() if "." in section} == below


@pytest.mark.parametrize("page", REFERENCE)
def test_every_list_of_words_is_the_programs_own(page: str, tmp_path: Path, accepted: dict[str, set[str]]) -> None:
    text = small()
    functions = offered(text.replace("round_half_up(amount, 'yuan')", "zz(amount)"), "The function zz", tmp_path)
    wanted = {
        "reserved": program.RESERVED,
        "kinds": shapes.KINDS,
        "fact types": offered(text.replace('type = "integer"', 'type = "count"'), "The fact household_size", tmp_path),
        "tracks": program.TRACKS,
        "authorities": program.AUTHORITIES,
        "events": program.EVENTS,
        "units": units.BASES,
        "functions": functions,
        "rounding modes": expression.ROUND_MODES,
        "rounding steps": expression.ROUND_TO,
        "levels": library.LEVELS,
        "free to add": library.FREE_TO_ADD,
        "fixed": (library.FIXED & set().union(*accepted.values())) - {"open"},  # a level may lower `open`
    }
    written = value_tables(page)
    assert {k: sorted(v) for k, v in written.items()} == {k: sorted(v) for k, v in wanted.items()}


#: A section of each kind with nothing in it that could be left out.
LEAST = {
    "rulebook": """[rulebook]
id = "least"
division = "990000"
level = "region"
title = { zh = "例", en = "x" }
document = "small-law"
""",
    "document": '[[document]]\nid = "zz"\n',
    "fact": """[fact.zz]
type = "boolean"
label = { zh = "例", en = "x" }
ask = { zh = "例", en = "x" }
""",
    "parameter": """[parameter.zz]
unit = "person"
label = { zh = "例", en = "x" }
clause = "1"
values = [{ from = 2026-01-01, value = 1, source = "small-law" }]
""",
    "quantity": """[quantity.zz]
label = { zh = "例", en = "x" }
formula = "household_size"
clause = "1"
""",
    "table": """[table.zz]
label = { zh = "例", en = "x" }
clause = "1"
gives = { tier = "tier" }
rows = [{ tier = 1 }]
""",
    "bands": """[bands.zz]
label = { zh = "例", en = "x" }
clause = "1"
of = "township_limit"
rows = [{ rate = 1 }]
""",
    "points": '[points.zz]\nlabel = { zh = "例", en = "x" }\nclause = "1"\n',
    "category": """[category.zz]
clause = "1"
track = "emergency"
label = { zh = "例", en = "x" }
applies = "TRUE"
""",
    "ground": """[ground.zz]
clause = "1"
label = { zh = "例", en = "x" }
when = "household_size > household_size"
""",
    "award": '[award]\nlabel = { zh = "例", en = "x" }\nclause = "1"\n',
    "authority": """[authority.emergency]
clause = "1"
label = { zh = "例", en = "x" }
rows = [{ decides = "county" }]
refusal = "county"
""",
    "panel": '[panel]\nclause = "1"\nlabel = { zh = "例", en = "x" }\nwhen = "household_size > 0"\n',
    "step": """[step.emergency.zz]
clause = "1"
label = { zh = "例", en = "x" }
within = { hours = 2 }
""",
    "constraint": '[constraint.zz]\nthat = "household_size > 0"\nlabel = { zh = "例", en = "x" }\n',
    "doubt": '[doubt.zz]\nthat = "household_size > 0"\nlabel = { zh = "例", en = "x" }\n',
    "transition": '[[transition]]\nat = 2026-07-01\nwhen = "household_size > 0"\n',
    "example": """[[example]]
name = { zh = "例", en = "x" }
case = { applied_on = "2026-03-02", cause = "illness" }
expect = { result = "refused" }
""",
}


@pytest.mark.parametrize("section", SECTIONS)
def test_what_is_called_required_is_missed_and_nothing_else(section: str, tmp_path: Path) -> None:
    lines = LEAST[section].splitlines(keepends=True)
    first = lines[0]
    rest = small()
    if section in ("rulebook", "award", "authority"):  # what can stand only once
        rest = re.sub(rf"^{re.escape(first)}(?:.+\n)+", "", rest, flags=re.M)
    if section == "rulebook":  # without `from` it is in force for ever
        rest = rest.replace("from = 2026-01-01", "from = 1900-01-01")
    assert problems(rest + "\n" + LEAST[section], tmp_path) == []
    needed = set()
    for line in lines[1:]:
        if problems(rest + "\n" + LEAST[section].replace(line, ""), tmp_path):
            needed.add(line.split(" =")[0])
    if section == "example":
        needed.add("name")  # `jiuji rulebook examples` has nothing else to call it
    for page, yes, unless in zip(REFERENCE, ("yes", "是"), ("unless `open`", "除非写了 `open`"), strict=True):
        keys = key_tables(page)[section]
        assert {key for key, (_, required, *_) in keys.items() if required in (yes, unless)} == needed, page


TRIED = """
[fact.flag]
type = "boolean"
label = { zh = "例", en = "x" }
ask = { zh = "例", en = "x" }

[fact.what]
type = "enum"
label = { zh = "例", en = "x" }
ask = { zh = "例", en = "x" }
values = { fire = { zh = "例", en = "x" }, drowning = { zh = "例", en = "x" } }

[fact.bill]
type = "money"
label = { zh = "例", en = "x" }
ask = { zh = "例", en = "x" }

[quantity.large_bill]
label = { zh = "例", en = "x" }
formula = "township_limit"
clause = "1"
"""


@pytest.mark.parametrize("page", REFERENCE)
def test_every_cell_and_formula_of_the_page_can_be_written(page: str, tmp_path: Path) -> None:
    def fits(section: str) -> bool:
        path = tmp_path / "tried.toml"
        path.write_text(small() + TRIED + section, encoding="utf-8")
        shelf = library.Library()
        return not builder.build_program(shelf.effective(shelf.open(path))).problems

    marked = dict(tables(page))
    cells = [code.replace("\\|", "|") for row in marked["cells"] for code in named(row[0])]
    assert len(cells) > 12
    for cell in cells:
        kinds = {
            "true|false": "flag",
            "fire": "what",
            "2026-": "applied_on",
            "20000|bill": "bill",
            "": "household_size",
        }
        side = next(name for pattern, name in kinds.items() if re.search(pattern, cell))
        line = f"{{ when = {{ {side} = {cell} }}, tier = 1 }}"
        assert fits(LEAST["table"].replace("{ tier = 1 }", line)), cell
        assert not fits(LEAST["table"].replace("{ tier = 1 }", line.replace(side, "nobody"))), cell
    numbers = dict.fromkeys("abc", expression.Ref(expression.Type("number", units.YUAN), "fact", "bill"))
    scope: dict[str, expression.Expr] = {
        **numbers,
        "own": numbers["a"],
        "tiers.tier": numbers["a"],
        **dict.fromkeys("pq", expression.Ref(expression.BOOLEAN, "fact", "flag")),
        "cause": expression.Ref(expression.Type("enum", values=("fire", "illness")), "fact", "cause"),
        "applied_on": expression.Ref(expression.DATE, "fact", "applied_on"),
    }
    dates = scope | dict.fromkeys("ab", scope["applied_on"])
    shares = scope | {"b": expression.Ref(expression.Type("number", units.PERSON), "fact", "household_size")}
    for row in marked["formulas"] + marked["values: functions"]:
        for code in named(row[0]):
            if code != "( … )":
                text = code.replace(", …", "") if re.search(r"\w", code) else f"a {code} b"
                names = dates if re.match(r"days|month|year", text) else shares if "divide" in text else scope
                assert expression.build(text, names.get), code


def test_history_counts_as_the_page_says(tmp_path: Path) -> None:
    histories = {"sum": "12_months", "count": "calendar_year", "days_since_last": ""}
    assert set(histories) == set(key_tables(REFERENCE[0])["fact.history"])
    money = LEAST["fact"].replace("boolean", "money")
    whole = LEAST["fact"].replace('"boolean"', '"integer"\nunit = "day"\nmax = 9999')
    text = small() + "".join(
        (money if what == "sum" else whole).replace("fact.zz", f"fact.{what}_")
        + f'history = {{ {what} = "{period}" }}\n'
        for what, period in histories.items()
    )
    path = tmp_path / "tried.toml"
    path.write_text(text, encoding="utf-8")
    book = load(path)
    days = ("2025-03-02", "2025-03-03", "2025-12-31", "2026-01-01", "2026-03-01", "2026-03-03")
    grants = [{"on": day, "amount": 10} for day in days]
    for given, wanted in ((grants, (4000, 2, 1)), ([], (0, 0, 9999))):
        facts = book.reader.read({"applied_on": "2026-03-02", "grants": given})
        assert tuple(facts[book.program.facts[f"{what}_"].slot] for what in histories) == wanted


# --- problems ------------------------------------------------------------------------------------------

WRITERS = ("source.py", "library.py", "shapes.py", "check.py", "expression.py")


def texts(node: ast.expr) -> list[str]:
    """A text or an f-string as it can come out: … for each value, both ways of a choice between two texts."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if not isinstance(node, ast.JoinedStr):
        return []
    parts: list[list[str]] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.IfExp):
            parts.append([*texts(part.value.body), *texts(part.value.orelse)] or ["…"])
        else:
            parts.append(["…"] if isinstance(part, ast.FormattedValue) else texts(part))
    return ["".join(chosen) for chosen in itertools.product(*parts)]


def messages() -> tuple[set[str], set[str]]:
    """Every message that the code of the check can write: in English, in Chinese."""
    english: set[str] = set()
    chinese: set[str] = set()
    parts = [*WRITERS, *(f"builder/{p.name}" for p in Path(builder.__file__).parent.glob("*.py"))]
    for node in itertools.chain.from_iterable(ast.walk(parsed(name)) for name in parts):
        pair: list[ast.expr] = []
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("problem", "report", "Problem", "ExpressionError"):
                words = {k.arg: k.value for k in node.keywords}
                pair = [words["zh"], words["en"]] if "zh" in words else node.args[2 * (called == "Problem") :][:2]
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 4:
            pair = node.value.elts[:2]  # shapes.words
        if len(pair) == 2 and all(texts(one) and texts(one)[0] for one in pair):
            chinese.update(texts(pair[0]))
            english.update(texts(pair[1]))
    return english, chinese


def plain(text: str) -> str:
    return re.sub(r"[.。]$", "", text.strip())


@pytest.mark.parametrize(("page", "which"), [(REFERENCE[0], 0), (REFERENCE[1], 1)])
def test_every_problem_of_the_check_is_explained_and_no_other(page: str, which: int) -> None:
    written = [named(row[0])[0] for mark, rows in tables(page) if mark == "problems" for row in rows]
    assert len(written) == len(set(written))
    assert {plain(w) for w in written} == {plain(m) for m in messages()[which]}
    assert all(row[1] for mark, rows in tables(page) if mark == "problems" for row in rows)


def test_what_the_check_really_says_is_found_among_the_problems(tmp_path: Path) -> None:
    """The messages are read from the code; some of them are provoked, to see that the reading is right."""
    written = [named(row[0])[0] for mark, rows in tables(REFERENCE[0]) if mark == "problems" for row in rows]
    patterns = [re.escape(plain(w)).replace("…", ".+") for w in written]
    faults = (
        ("extends", 'document = "small-law"', 'document = "small-law"\nextends = "nobody"'),
        ("unit", 'unit = "person"', 'unit = "people"'),
        ("figure", "formula = \"round_half_up(amount, 'yuan')\"", 'formula = "amount + 5"'),
        ("gap", '"< 3"', '"< 2"'),
        ("kind", "min = 1", 'min = "1"'),
        ("ratio", 'value = 5000, source = "small-law §3"', "value = 5000"),
        ("example", "amount = 7740", "amount = 7741"),
        ("step", "working_days = 3", "working_days = -3"),
    )
    for what, right, wrong in faults:
        assert right in small()
        path = tmp_path / "tried.toml"
        path.write_text(small().replace(right, wrong), encoding="utf-8")
        said = [p.en for p in check.check(path)]
        assert said, what
        for text in said:
            assert any(re.fullmatch(pattern, plain(text)) for pattern in patterns), text


# --- the command line ----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", COMMANDS)
def test_every_command_of_the_page_comes_out_as_printed(page: str, desk: Path) -> None:
    for printed, found in follow((DOCS / page).read_text(encoding="utf-8")):
        assert same(printed, found), found


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> dict[str, click.Command]:
    """The commands that decide cases and handle rulebooks, by name; those of an installation are told elsewhere."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, (*path, name))
        elif command.callback is not None and command.callback.__module__ == "jiuji.cli":
            found[" ".join((*path, name))] = command
    return found


def option_tables(page: str) -> dict[str, list[list[str]]]:
    return {mark.removeprefix("options: "): rows for mark, rows in tables(page) if mark.startswith("options: ")}


@pytest.mark.parametrize("page", COMMANDS)
def test_every_command_is_told_and_run(page: str) -> None:
    assert set(option_tables(page)) == {"(all)", *commands()}
    lines = [line for fence, content in fences((DOCS / page).read_text("utf-8")) if fence == "sh" for line in [content]]
    for name in commands():
        assert f".venv/bin/jiuji {name} " in "".join(lines).replace("\n", " \n"), name


@pytest.mark.parametrize("page", COMMANDS)
@pytest.mark.parametrize("name", commands())
def test_every_option_is_told_with_its_default_and_choices(page: str, name: str) -> None:
    told = {tuple(named(row[0])): row for row in option_tables(page)[name]}
    real = {
        (p.name.upper(),) if isinstance(p, click.Argument) else (*p.opts, *p.secondary_opts): p
        for p in commands()[name].params
        if p.name is not None
    }
    assert set(told) == set(real)
    for names, option in real.items():
        _, default, meaning = told[names]
        assert meaning
        value = option.to_info_dict()["default"]
        if isinstance(option, click.Option) and option.secondary_opts:
            assert default == f"`{option.opts[0] if value else option.secondary_opts[0]}`"
        elif isinstance(option, click.Option) and option.is_flag:
            assert default in ("no", "否")
        elif value not in (None, ()):
            assert default == f"`{value}`"
        elif option.required:
            assert default in (("",) if isinstance(option, click.Argument) else ("required", "必填"))
        else:
            assert default and "`" not in default
        if isinstance(option.type, click.Choice):
            wanted = set(option.type.choices) - {value} if names == ("--engine",) else set(option.type.choices)
            assert wanted <= set(named(meaning))


def test_the_options_of_all_commands_are_told() -> None:
    everywhere = {*cli.context_settings["help_option_names"], *(o for p in cli.params for o in p.opts)}
    for page in COMMANDS:
        assert {name for row in option_tables(page)["(all)"] for name in named(row[0])} == everywhere


@pytest.mark.parametrize("page", COMMANDS)
def test_the_lists_of_the_page_are_the_programs_own(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert set(re.findall(r"(?:exit code|退出码) (\d)$", text, re.M)) == {"1", "2"}, "the runs prove the exit codes"
    assert {k: set(v) for k, v in value_tables(page).items()} == {
        "exit codes": {"0", "1", "2"},
        "environment": {"NO_COLOR", "TMPDIR", "_JIUJI_COMPLETE"},
        "case": set(value_tables(REFERENCE[0])["fact types"]),
        "calendar kinds": set(calendar.KINDS),
        "formats": set(batch.READERS),
    }


def test_the_variables_are_heeded_and_no_others_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Path(builder.__file__).parents[1]
    for path in [package.parent / "cli.py", *package.rglob("*.py")]:
        if "tests" not in path.parts:
            assert not re.search(r"\benviron\b|\bgetenv\b", path.read_text(encoding="utf-8")), path
    monkeypatch.setenv("_JIUJI_COMPLETE", "zsh_source")
    assert "#compdef jiuji" in CliRunner().invoke(cli, [], prog_name="jiuji").output
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    row = batch.open_database().execute("SELECT current_setting('temp_directory')").fetchone()
    assert row is not None
    assert str(row[0]).startswith(str(tmp_path))
    for value, plain_text in (("", False), ("1", True)):
        monkeypatch.setenv("NO_COLOR", value)
        assert terminal.console().no_color is plain_text


@pytest.fixture(scope="module")
def printed_json(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Table of the page → the keys that are really printed, over enough cases to see all of them."""
    folder = tmp_path_factory.mktemp("printed")
    fire = {"applied_on": "2026-03-02", "cause": "fire", "household_size": 3}
    (folder / "small.toml").write_text(small(), encoding="utf-8")
    (folder / "plan.toml").write_text(small().replace('id = "small"', 'id = "plan"').replace("860", "900"), "utf-8")
    ranged = 'least = "township_limit"\nmost = "tiers.multiple * dibao_standard * household_size"'
    (folder / "range.toml").write_text(re.sub(r'^amount = ".+"$', ranged, small(), flags=re.M), encoding="utf-8")
    (folder / "people.csv").write_text(
        "applied_on,cause,household_size,division\n2026-03-02,fire,3,990001\n2025-03-02,fire,3,990001\n", "utf-8"
    )

    def asked(*words: str, given: object = None) -> Any:
        where = [str(folder / w) if (folder / w).exists() or w == "out.csv" else w for w in words]
        result = CliRunner().invoke(cli, [*where, "--json"], input=json.dumps(given) if given else None)
        assert result.exit_code in (0, 1), result.output
        return json.loads(result.stdout)

    decided = [
        asked("decide", "-", "--rulebook", name, given=fire | {"deaths": 1} if name == "nei-menggu" else fire)
        for name in ("small.toml", "range.toml", "nei-menggu")
    ]

    def keys(rows: Iterable[dict[str, Any]]) -> set[str]:
        return {key for row in rows for key in row}

    def nodes(trace: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for node in trace:
            yield node
            yield from nodes(node.get("children", []))

    simulated = asked("simulate", "small.toml", "plan.toml", "--population", "people.csv")
    groups = [row for by in ("by_category", "by_tier", "by_division") for row in simulated[by]]
    return {
        "decide": keys(decided),
        "decide.steps": keys(step for one in decided for step in one["steps"]),
        "decide.trace": keys(node for one in decided for node in nodes(one["trace"])),
        "decide-batch": set(asked("decide-batch", "people.csv", "out.csv", "--rulebook", "small.toml")),
        "rulebook show": keys(asked("rulebook", "show", "small.toml", "--on", "2026-03-02")),
        "rulebook gaps": keys(asked("rulebook", "gaps", "nei-menggu")),
        "rulebook diff": keys(asked("rulebook", "diff", "small.toml", "plan.toml")),
        "simulate": set(simulated),
        "simulate.by_category": keys(groups),
    }


@pytest.mark.parametrize("page", COMMANDS)
def test_every_json_key_is_told_and_no_other(page: str, printed_json: dict[str, set[str]]) -> None:
    told = {
        mark.removeprefix("json: "): {name for row in rows for name in named(row[0])}
        for mark, rows in tables(page)
        if mark.startswith("json: ")
    }
    assert told == printed_json


@pytest.mark.parametrize("page", COMMANDS)
def test_the_columns_of_a_batch_are_told_with_their_types(page: str, desk: Path) -> None:
    Path("people.csv").write_text("applied_on,cause,household_size\n2026-03-02,fire,3\n", encoding="utf-8")
    command = ["decide-batch", "people.csv", "out.parquet", "--rulebook", "small.toml"]
    assert CliRunner().invoke(cli, command).exit_code == 0
    found = duckdb.sql("DESCRIBE SELECT * FROM 'out.parquet'").fetchall()[3:]
    told = {
        mark: [(named(row[0])[0], named(row[1])[0]) for row in rows] for mark, rows in tables(page) if "columns" in mark
    }
    assert told["columns: output"] == [(row[0], row[1]) for row in found]
    assert dict(told["columns: input"]) == batch._CSV_TYPES


# --- both languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("english", "chinese"), [REFERENCE, COMMANDS])
def test_both_languages_have_the_same_tables_and_blocks(english: str, chinese: str) -> None:
    def shape(page: str) -> list[tuple[str, list[list[str]]]]:
        return [(mark, [named(row[0]) for row in rows]) for mark, rows in tables(page) if mark != "problems"]

    def code(page: str) -> list[tuple[str, str]]:
        kept = fences((DOCS / page).read_text(encoding="utf-8"))
        return [(fence, "" if fence in ("text", "sh") or "csv" in fence else content) for fence, content in kept]

    assert shape(english) == shape(chinese)
    assert code(english) == code(chinese)


@pytest.mark.parametrize("page", [*REFERENCE, *COMMANDS])
def test_every_link_leads_somewhere(page: str) -> None:
    def anchors(of: str) -> set[str]:
        text = re.sub(r"^```.*?^```$", "", (DOCS / of).read_text(encoding="utf-8"), flags=re.M | re.S)
        return {
            re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.M)
        }

    text = re.sub(r"^```.*?^```$", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        assert (DOCS / (file or page)).is_file(), target
        assert not anchor or anchor in anchors(file or page), target
