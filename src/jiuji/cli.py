"""The one command: ``jiuji``. Errors go to standard error in Chinese and English, with exit code 2."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import click

from . import __version__
from .rulebook.errors import CaseError, JiujiError, RulebookError
from .site.commands import register


class Jiuji(click.Group):
    """Turns the errors that a person can mend into two lines and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except JiujiError as error:
            click.echo(str(error), err=True)
            ctx.exit(2)
        except BrokenPipeError:
            sys.stderr.close()
            ctx.exit(1)


class Day(click.ParamType[dt.date]):
    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> dt.date:
        if isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.fail(f"“{value}” 不是日期，请写成 2026-01-31 / '{value}' is not a date; write 2026-01-31", param, ctx)


DAY = Day()
LANG = click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="语言 Language.")
RULEBOOK = click.option(
    "--rulebook", "name", required=True, help="标准的编号、区划代码或文件 Id, division code or file."
)


@click.group(cls=Jiuji, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jiuji")
def cli() -> None:
    """救急：临时救助的规则与决定 Jiuji: rules and decisions of temporary assistance."""


def main() -> None:
    cli(prog_name="jiuji")


register(cli)


@cli.command()
@click.argument("case", type=click.Path(allow_dash=True, path_type=Path))
@RULEBOOK
@click.option("--on", type=DAY, help="案件未写申请日期时所用的日期 Date of application where the case has none.")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON Print JSON.")
@click.option("--lines", is_flag=True, help="每行一个案件（JSON Lines）One case a line.")
@click.option(
    "--calendar",
    type=click.Path(path_type=Path),
    help="以后年份或本地的放假安排（CSV：date,kind,note）Later years or local days of rest and work.",
)
@LANG
def decide(
    case: Path, name: str, on: dt.date | None, as_json: bool, lines: bool, calendar: Path | None, lang: str
) -> None:
    """对一个案件作出有理由的决定 Decide a case, with reasons. CASE: a JSON file, or - for standard input."""
    from .rulebook.calendar import Calendar, read_calendar_csv
    from .rulebook.case import parse_case
    from .rulebook.decision import load

    rulebook = load(name, calendar=Calendar.statutory().with_days(read_calendar_csv(calendar)) if calendar else None)
    if lines:
        _decide_lines(rulebook, case, on, as_json, lang)
        return
    raw = _read(case)
    decision = rulebook.decide(parse_case(raw), on)
    for doubt in decision.doubts:
        click.echo(f"请核对：{doubt['zh']}\nPlease check: {doubt['en']}", err=True)
    if as_json:
        click.echo(json.dumps(decision.to_json(), ensure_ascii=False))
    else:
        from .rulebook.terminal import show_decision

        show_decision(decision, lang)


def _read(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise CaseError(
            f"无法读取 {path}：{error.strerror}。请核对路径。",
            f"{path} cannot be read: {error.strerror}. Check the path.",
        ) from None


def _decide_lines(rulebook: Any, path: Path, on: dt.date | None, as_json: bool, lang: str) -> None:
    """One result a line, in order, streaming. A bad line stops the run, naming the line."""
    from .rulebook.case import parse_case
    from .rulebook.explain import headline

    try:
        source: IO[bytes] = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    except OSError as error:
        raise CaseError(
            f"无法读取 {path}：{error.strerror}。请核对路径。",
            f"{path} cannot be read: {error.strerror}. Check the path.",
        ) from None
    with source:
        for number, line in enumerate(source, 1):
            if not line.strip():
                continue
            try:
                decision = rulebook.decide(parse_case(line), on)
            except CaseError as error:
                raise CaseError(f"第 {number} 行：{error.zh}", f"Line {number}: {error.en}", key=error.key) from None
            text = json.dumps(decision.to_json(), ensure_ascii=False) if as_json else headline(decision, lang)
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


@cli.group()
def rulebook() -> None:
    """救助标准：检查、查看、比较 Rulebooks: check, show, compare."""


@rulebook.command("list")
def list_rulebooks() -> None:
    """已有的救助标准 The rulebooks that are known."""
    from .rulebook.library import Library

    for book in Library().books.values():
        click.echo(f"{book.id:28} {book.division}  {book.programme:22} {book.title.get('zh', '')}")


@rulebook.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--lang", type=click.Choice(["zh", "en", "both"]), default="both", show_default=True)
def check(paths: tuple[str, ...], lang: str) -> None:
    """检查救助标准，列出全部问题 Check rulebooks; prints every problem and exits with 1 when there is one."""
    from .rulebook.check import check as check_one

    failed = False
    for path in paths:
        problems = check_one(path)
        for problem in problems:
            click.echo(str(problem) if lang == "both" else problem.text(lang))
        faults = sum(not p.warning for p in problems)
        failed = failed or faults > 0
        click.echo(f"{path}: {f'{faults} 个问题 problems' if faults else '没有问题 no problems'}")
    if failed:
        sys.exit(1)


@rulebook.command()
@click.argument("name")
@click.option("--on", type=DAY, help="哪一天有效 As in force on this day (default: today).")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON Print JSON.")
@LANG
def show(name: str, on: dt.date | None, as_json: bool, lang: str) -> None:
    """某日有效的标准，逐项注明由哪一级、哪个文件确定 The effective rulebook, each value with who set it."""
    from .rulebook.decision import load
    from .rulebook.terminal import effective_rows, show_effective

    book = load(name)
    day = on or dt.date.today()
    if as_json:
        click.echo(json.dumps(effective_rows(book, day), ensure_ascii=False, indent=2))
    else:
        show_effective(book, day, lang)


@rulebook.command()
@click.argument("name")
@click.option("--on", type=DAY, help="哪一天 As of this day (default: today).")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON Print JSON.")
@LANG
def gaps(name: str, on: dt.date | None, as_json: bool, lang: str) -> None:
    """尚未规定的部分 What no level has set yet."""
    from .rulebook.decision import load

    book = load(name)
    missing = book.program.gaps((on or dt.date.today()).toordinal())
    if as_json:
        rows = [{"name": g.name, "label": g.label, "clause": g.clause, "open_to": g.item.get("open")} for g in missing]
        steps = [
            {"name": f"step.{s.key}", "label": s.label, "clause": s.clause, "open_to": s.item.get("open")}
            for s in book.program.steps
            if not s.within[0]
        ]
        click.echo(json.dumps(rows + steps, ensure_ascii=False, indent=2))
        return
    from .rulebook.terminal import show_gaps

    show_gaps(book, missing, lang)


@rulebook.command()
@click.argument("name", default="150199")
@click.option("--explain/--no-explain", default=True, help="打印理由 Print the explanation of each.")
@LANG
def examples(name: str, explain: bool, lang: str) -> None:
    """运行标准里的算例 Decide the worked examples of a rulebook and print the explanations."""
    from .rulebook.check import own_examples, run_example
    from .rulebook.decision import load
    from .rulebook.terminal import show_decision, show_title

    book = load(name)
    failed = 0
    cases = own_examples(book.program)
    for data, _ in cases:
        wrong = run_example(book, data)
        failed += bool(wrong)
        show_title(f"{data['name'][lang]}", data.get("row", ""), not wrong)
        try:
            decision = book.decide(data["case"], data.get("on"))
        except CaseError as error:
            click.echo(f"  {error.zh if lang == 'zh' else error.en}")
            continue
        show_decision(decision, lang, brief=not explain)
    total = len(cases)
    click.echo(
        f"{book.program.title.get(lang, book.id)}：{total} 个算例，{failed} 个不符"
        if lang == "zh"
        else f"{book.program.title.get(lang, book.id)}: {total} examples, {failed} failed"
    )
    if failed:
        sys.exit(1)


@rulebook.command()
@click.argument("name")
@click.option("--dialect", type=click.Choice(["duckdb", "spark", "postgres"]), default="duckdb", show_default=True)
@click.option("--table", default="households", show_default=True, help="输入表名 Name of the input table.")
@click.option("--on", type=DAY, help="案件未写申请日期时所用的日期 Date of application where a row has none.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    help="输入表中有的事实列，可多次给出；缺省为全部 A fact that the table has a column for (repeat it; default: all).",
)
@click.option(
    "--carry",
    multiple=True,
    help="随结果带出的其他列，如户编号，可多次给出 Another column to carry along, an identifier for instance (repeat it).",
)
def sql(
    name: str, dialect: str, table: str, on: dt.date | None, columns: tuple[str, ...], carry: tuple[str, ...]
) -> None:
    """把标准译成一条 SQL The rulebook as one SQL statement."""
    from .rulebook.decision import load
    from .rulebook.errors import CaseError
    from .rulebook.sql import compile_sql

    program = load(name).program
    for column in columns:
        if column not in program.facts:
            raise CaseError(
                f"{column} 不是事实。事实有：{'、'.join(program.facts)}。",
                f"{column} is not a fact. Facts: {', '.join(program.facts)}.",
                key=column,
            )
    click.echo(compile_sql(program, dialect, table, columns=columns or None, on=on, carry=carry))


@rulebook.command()
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON Print JSON.")
@LANG
def diff(old: str, new: str, as_json: bool, lang: str) -> None:
    """用文字说明两个标准的不同 What differs between two rulebooks, in words."""
    from .rulebook.compare import differences
    from .rulebook.decision import load
    from .rulebook.terminal import show_differences

    found = differences(load(old), load(new), lang)
    if as_json:
        keys = ("section", "name", "before", "after")
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in found], ensure_ascii=False, indent=2))
    else:
        show_differences(found, lang)


@cli.command("decide-batch")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@RULEBOOK
@click.option("--on", type=DAY, help="未写申请日期时所用的日期 Date of application where a row has none.")
@click.option("--memory", default="1GB", show_default=True, help="内存上限 Memory limit.")
@click.option(
    "--engine",
    type=click.Choice(["sql", "kernel"]),
    default="sql",
    show_default=True,
    help="kernel：编译后的循环，需安装 numba A compiled loop; needs numba.",
)
@click.option("--json", "as_json", is_flag=True, help="汇总输出 JSON Print the summary as JSON.")
@LANG
def decide_batch(
    source: Path, target: Path, name: str, on: dt.date | None, memory: str, engine: str, as_json: bool, lang: str
) -> None:
    """对一张表逐户作出决定 Decide every row of a table (Parquet, CSV or Arrow). Exit code 1 when rows are invalid."""
    from .rulebook.batch import decide_batch as run
    from .rulebook.decision import load

    summary = run(load(name), source, target, on=on, memory=memory, engine=engine, progress=progress("决定 deciding"))
    if as_json:
        click.echo(json.dumps({"rows": summary.rows, "results": summary.results, "errors": summary.errors}))
    else:
        from .rulebook.explain import RESULTS

        zh = lang == "zh"
        click.echo(f"{target}: {summary.rows:,} {'户' if zh else 'rows'}")
        for result, count in sorted(summary.results.items()):
            known = {**RESULTS, "invalid": ("有误", "invalid")}
            click.echo(f"  {known[result][0 if zh else 1]}  {count:,}")
    for key, count in summary.errors.items():
        click.echo(
            f"{count:,} 行的 {key} 有误（超出范围、前后矛盾或日期没有标准），见 error 列\n"
            f"{count:,} rows are wrong in {key} (out of range, contradictory, or no standard for the date): see column error",
            err=True,
        )
    if summary.errors:
        sys.exit(1)


@cli.command()
@click.argument("old")
@click.argument("new")
@click.option("--population", type=click.Path(path_type=Path), required=True, help="人口或案件表 Table of households.")
@click.option("--on", type=DAY, help="全部按这一天申请测算 Decide every row as if applied for on this day.")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON Print JSON.")
@click.option("--html", "page", type=click.Path(path_type=Path), help="写成一个网页 Write a self-contained page.")
@LANG
def simulate(
    old: str, new: str, population: Path, on: dt.date | None, as_json: bool, page: Path | None, lang: str
) -> None:
    """测算标准变动的影响 What a change of the standard would do to a population."""
    from .rulebook.decision import load
    from .rulebook.simulate import simulate as run
    from .rulebook.simulate import to_html
    from .rulebook.terminal import show_simulation

    one, other = load(old), load(new)
    report = run(one, other, population, on=on, progress=progress("测算 simulating"))
    labels = {c.clause: f"{c.label[lang]} {c.clause}" for c in other.program.categories}
    if page is not None:
        page.write_text(to_html(report, lang, labels), encoding="utf-8")
        click.echo(str(page), err=True)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif page is None:
        show_simulation(report, labels, lang)


@cli.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--rows", type=click.IntRange(0), default=100_000, show_default=True, help="户数 Households.")
@click.option("--seed", type=int, default=1, show_default=True, help="随机种子 Seed.")
@click.option(
    "--missing",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="未知事实的比例 Share of facts left unknown.",
)
def population(target: Path, rows: int, seed: int, missing: float) -> None:
    """生成合成人口 Make a synthetic population (Parquet or CSV). Nobody in it exists."""
    from .rulebook.population import write_population

    write_population(target, rows, seed, missing=missing, progress=progress("生成 generating"))
    click.echo(f"{target}: {rows:,}")


def progress(label: str) -> Callable[[int, int], None]:
    """A progress bar on standard error where it is a terminal; otherwise nothing."""
    state: dict[str, Any] = {}

    def report(done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        if "bar" not in state:
            state["bar"] = click.progressbar(length=max(total, 1), label=label, file=sys.stderr)
            state["bar"].__enter__()
            state["at"] = 0
        state["bar"].update(done - state["at"])
        state["at"] = done
        if done >= total:
            state["bar"].__exit__(None, None, None)

    return report


__all__ = ["RulebookError", "cli", "main"]
