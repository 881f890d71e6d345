"""Decisions and rulebooks in the terminal; colour only where it is one."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from .decision import Decision, Rulebook
from .explain import authority_words, headline, limit_words, questions, trace_lines, track_words
from .expression import Type
from .library import Origin
from .program import ParameterDef, QuantityDef
from .units import YUAN
from .words import formula_words, printed, printed_range

COLOURS = {"granted": "green", "refused": "red", "undetermined": "yellow"}
LEVELS = {
    "national": ("国家", "national"),
    "region": ("自治区", "region"),
    "league": ("盟市", "league"),
    "county": ("旗县", "county"),
    "township": ("苏木乡镇", "township"),
}


def console() -> Console:
    terminal = sys.stdout.isatty()
    return Console(soft_wrap=not terminal, highlight=False, width=None if terminal else 140)


def show_title(title: str, row: str, good: bool) -> None:
    console().rule(
        Text.assemble(("✓ " if good else "✗ ", "green" if good else "red"), title, (f"  {row}", "dim")), align="left"
    )


def show_decision(decision: Decision, lang: str = "zh", *, brief: bool = False) -> None:
    """A decision for reading: what, why, who decides, and what is due when."""
    out, zh = console(), lang == "zh"
    out.print(Text(headline(decision, lang), style=f"bold {COLOURS[decision.result]}"))
    program = decision.rulebook.program
    if brief:
        return
    for number, question in enumerate(questions(decision, lang), 1):
        out.print(f"  {number}. {question}")
    category = next((c for c in program.categories if decision.rulebook._cite(c.clause) == decision.category), None)
    facts = []
    if category is not None:
        facts.append(
            (
                ("类别" if zh else "Category"),
                f"{category.label[lang]}  {decision.category}  {track_words(decision.track, lang)}",
            )
        )
    facts.append((("审批权限" if zh else "Who decides"), authority_words(decision, lang)))
    if decision.special_panel:
        facts.append((("特别救助" if zh else "Special assistance"), "可一事一议" if zh else "a panel may be called"))
    if decision.so_far is not None and decision.result == "undetermined":
        low, high = decision.so_far
        if high < 10**10:
            facts.append(
                (
                    ("救助金额的可能范围" if zh else "Possible award"),
                    printed_range(low, high, Type("number", YUAN), lang),
                )
            )
    standard = program.title.get(lang) or program.title["zh"]
    facts.append((("标准" if zh else "Standard"), standard))
    for label, value in facts:
        out.print(Text.assemble((f"  {label}  ", "dim"), value))
    tree = Tree(Text("为什么" if zh else "Why", style="bold"), guide_style="dim")
    stack = [tree]
    for depth, label, value, clause, formula in trace_lines(decision, lang):
        text = Text.assemble(label, "  ", (value, "bold"))
        if clause:
            text.append(f"  {clause}", style="cyan")
        if formula:
            text.append(f"\n＝ {formula}" if zh else f"\n= {formula}", style="dim")
        del stack[depth + 1 :]
        stack.append(stack[depth].add(text))
    out.print(tree)
    steps = decision.steps
    if steps:
        table = Table(box=None, pad_edge=False, header_style="dim", title_justify="left")
        for name in ("步骤", "时限", "不晚于", "") if zh else ("Step", "Limit", "Due by", ""):
            table.add_column(name, no_wrap=False)
        for step in steps:
            notes = [step.note[lang]] if step.note[lang] else []
            if step.waivable:
                notes.append("可简化，须说明理由" if zh else "may be waived, with reasons")
            if not step.published:
                notes.append(
                    "该年放假安排尚未公布，暂按周末计算"
                    if zh
                    else "holidays of that year not yet published: weekends only"
                )
            due = step.due.isoformat() if step.due else "—"
            table.add_row(
                step.label[lang],
                limit_words(step.within, step.after, program, decision.track or "", lang),
                due,
                "；".join(notes),
            )
        out.print(table)
    if program.illustrative:
        out.print(
            Text(
                "示例数据：不代表任何真实旗县的标准" if zh else "Illustrative data: no real county's standard",
                style="dim",
            )
        )
    out.print()


def _setter(origin: Origin, lang: str) -> str:
    level = LEVELS[origin.book.level][0 if lang == "zh" else 1]
    return f"{level} {origin.book.id} {origin.source.path.name}:{origin.line}"


def effective_rows(book: Rulebook, day: dt.date, lang: str = "zh") -> list[dict[str, Any]]:
    """Every parameter and quantity in force: value or formula, level, document, file and line."""
    rows = []
    program = book.program
    for parameter in program.parameters.values():
        dated = parameter.at(day.toordinal())
        origin = dated.origin if dated else parameter.item.origin()
        rows.append(
            {
                "kind": "parameter",
                "name": parameter.name,
                "label": parameter.label,
                "value": printed(dated.value, parameter.type, lang) if dated else None,
                "since": dt.date.fromordinal(dated.since).isoformat() if dated else None,
                "source": dated.source if dated else None,
                "clause": parameter.clause,
                "level": origin.book.level,
                "rulebook": origin.book.id,
                "file": origin.source.path.name,
                "line": origin.line,
                "open_to": parameter.open or None,
            }
        )
    for quantity in program.quantities.values():
        if quantity.name.startswith(("award:", "amount:", "condition:", "ground:", "panel")) or "#" in quantity.name:
            continue
        key = next((k for k in ("formula", "rows") if k in quantity.item.origins), "label")
        origin = quantity.item.origin(key)
        rows.append(
            {
                "kind": "quantity",
                "name": quantity.name,
                "label": quantity.label,
                "value": formula_words(quantity.expr, program, lang) if quantity.expr is not None else None,
                "clause": quantity.clause,
                "level": origin.book.level,
                "rulebook": origin.book.id,
                "file": origin.source.path.name,
                "line": origin.line,
                "open_to": quantity.item.get("open"),
            }
        )
    return rows


def show_effective(book: Rulebook, day: dt.date, lang: str = "zh") -> None:
    out, zh = console(), lang == "zh"
    program = book.program
    out.print(Text(f"{program.title.get(lang) or program.title['zh']}  {day}", style="bold"))
    out.print(
        Text(" → ".join(f"{LEVELS[b.level][0 if zh else 1]} {b.id}" for b in program.effective.books), style="dim")
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("名称", "说明", "值", "条款", "由谁确定") if zh else ("Name", "Meaning", "Value", "Clause", "Set by"):
        table.add_column(name, overflow="fold")
    for row in effective_rows(book, day, lang):
        value = row["value"]
        missing = "尚未规定" if zh else "not yet set"
        level = LEVELS[row["level"]][0 if zh else 1]
        by = f"{level} {row['rulebook']} {row['file']}:{row['line']}"
        if row.get("source"):
            by = (
                f"{level} {row['source']}（{row['since']} 起）"
                if zh
                else f"{level} {row['source']} (from {row['since']})"
            )
        table.add_row(
            row["name"], row["label"][lang], Text(value or missing, style="" if value else "yellow"), row["clause"], by
        )
    out.print(table)


def show_gaps(book: Rulebook, missing: list[ParameterDef | QuantityDef], lang: str = "zh") -> None:
    out, zh = console(), lang == "zh"
    steps = [s for s in book.program.steps if not s.within[0]]
    if not missing and not steps:
        out.print("没有尚未规定的部分" if zh else "Nothing is left open")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("名称", "说明", "条款", "可由谁规定") if zh else ("Name", "Meaning", "Clause", "Open to"):
        table.add_column(name)
    for gap in missing:
        level = LEVELS.get(str(gap.item.get("open")), ("—", "—"))[0 if zh else 1]
        table.add_row(gap.name, gap.label[lang], gap.clause, f"{level}及以下" if zh else f"{level} and below")
    for step in steps:
        level = LEVELS.get(str(step.item.get("open")), ("—", "—"))[0 if zh else 1]
        what = f"{step.label[lang]}：时限" if zh else f"{step.label[lang]}: time limit"
        table.add_row(f"step.{step.key}", what, step.clause, f"{level}及以下" if zh else f"{level} and below")
    out.print(table)
    count = len(missing) + len(steps)
    out.print(f"共 {count} 项尚未规定" if zh else f"{count} left open")


def show_differences(found: list[tuple[str, str, str, str]], lang: str = "zh") -> None:
    out, zh = console(), lang == "zh"
    if not found:
        out.print("两个标准相同" if zh else "The two rulebooks are the same")
        return
    section = ""
    for heading, name, before, after in found:
        if heading != section:
            section = heading
            out.print(Text(heading, style="bold"))
        out.print(Text(f"  {name}"))
        nothing = "（无）" if zh else "(nothing)"
        out.print(Text(f"    − {before or nothing}", style="red"))
        out.print(Text(f"    + {after or nothing}", style="green"))
    out.print(f"共 {len(found)} 处不同" if zh else f"{len(found)} difference{'' if len(found) == 1 else 's'}")


def show_simulation(report: dict[str, Any], labels: dict[str, str], lang: str = "zh") -> None:
    from .simulate import names_of

    out, zh = console(), lang == "zh"
    out.print(Text(" → ".join(names_of(report, lang)), style="bold"))
    if report["on"]:
        out.print(f"按 {report['on']} 申请测算" if zh else f"As applied for on {report['on']}")
    if report["invalid"]:
        out.print(
            f"{report['invalid']:,} 户数据有误或不在标准施行期内，未计入"
            if zh
            else f"{report['invalid']:,} rows left out (faulty, or outside the time of the standard)",
            style="yellow",
        )
    names = (
        ("", "原户数", "新户数", "原支出（元）", "新支出（元）", "受益户", "减少户")
        if zh
        else ("", "Recipients", "New", "Cost (yuan)", "New", "Winners", "Losers")
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for index, name in enumerate(names):
        table.add_column(name, justify="left" if index == 0 else "right")
    total = {
        "recipients": report["recipients"],
        "cost": report["cost"],
        "winners": report["winners"]["households"],
        "losers": report["losers"]["households"],
    }
    groups = [("合计" if zh else "All", total)]
    for key, title in (("by_category", ""), ("by_tier", "档" if zh else "tier "), ("by_division", "")):
        for row in report[key]:
            shown = labels.get(row["key"], row["key"])
            groups.append((f"{shown} {title}" if zh and title else f"{title}{shown}", row))
    for name, row in groups:
        table.add_row(
            name,
            f"{row['recipients']['old']:,}",
            f"{row['recipients']['new']:,}",
            f"{float(row['cost']['old']):,.0f}",
            f"{float(row['cost']['new']):,.0f}",
            f"{row['winners']:,}",
            f"{row['losers']:,}",
        )
    out.print(table)
