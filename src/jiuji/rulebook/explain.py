"""Explaining a decision: the trace as JSON and as text that can be read to the family."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import expression as ex
from .expression import Type
from .program import AUTHORITIES, EVENTS, TRACKS, Program
from .scalar import Meta, Node
from .units import YUAN
from .words import figure, formula_words, printed, printed_range

if TYPE_CHECKING:
    from .decision import Decision

RESULTS = {
    "granted": ("可予救助", "Granted"),
    "refused": ("不予救助", "Refused"),
    "undetermined": ("尚不能确定", "Not yet certain"),
}


def words_of(meta: Meta, program: Program, lang: str) -> str:
    """The formula of a node in words, or empty."""
    if lang not in meta.words:
        meta.words[lang] = _words_of(meta, program, lang)
    return meta.words[lang]


def _words_of(meta: Meta, program: Program, lang: str) -> str:
    if meta.expr is None or meta.kind in ("fact", "parameter", "row"):
        return ""
    quantity = program.quantities.get(meta.name)
    if quantity is not None:
        if quantity.words.get(lang):
            return quantity.words[lang]
        if quantity.role in ("part", "bands", "points", "column", "row"):
            return {"bands": ("各段之和", "sum of the bands"), "points": ("各项得分之和", "sum of the points")}.get(
                quantity.role, ("", "")
            )[0 if lang == "zh" else 1]
    if isinstance(meta.expr, (ex.Ref, ex.Const)):
        return ""
    return formula_words(meta.expr, program, lang)


def value_words(meta: Meta, value: Any, lang: str) -> str:
    """A node's value as printed; a range where only that is known."""
    if value is None:
        if meta.gap:
            return "尚未规定" if lang == "zh" else "not yet set"
        return "未知" if lang == "zh" else "not yet known"
    if isinstance(value, tuple):
        if meta.kind == "row":
            return "尚不能确定" if lang == "zh" else "not yet certain"
        return printed_range(value[0], value[1], meta.type, lang)
    if meta.kind == "ground":
        return ("成立" if value else "不存在") if lang == "zh" else ("yes" if value else "no")
    return printed(int(value), meta.type, lang, meta.value_labels)


def plain_value(meta: Meta, value: Any) -> Any:
    """A node's value for JSON: yuan as a decimal string, counts as numbers, choices by name."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, tuple):
        return [plain_value(meta, v) for v in value]
    kind = meta.type
    if kind.kind == "boolean":
        return bool(value)
    if kind.kind == "enum":
        return kind.values[value]
    if kind.kind == "date":
        return printed(value, kind)
    text = figure(value, kind).replace(",", "")
    if kind.unit.is_money or kind.scale != 1:
        return text
    return int(text)


def node_json(node: Node, program: Program) -> dict[str, Any]:
    meta, value, children = node
    out: dict[str, Any] = {
        "kind": meta.kind,
        "name": meta.name,
        "label": meta.label,
        "value": plain_value(meta, value),
        "unit": _unit(meta.type),
    }
    formula = {lang: words_of(meta, program, lang) for lang in ("zh", "en")}
    if formula["zh"]:
        out["formula"] = formula
    if meta.clause:
        out["clause"] = meta.clause
    if meta.source:
        out["source"] = meta.source
    if children:
        out["children"] = [node_json(c, program) for c in children]
    return out


def _unit(kind: Type) -> str | None:
    return str(kind.unit) if kind.kind == "number" else None


def trace_json(decision: Decision) -> list[dict[str, Any]]:
    """The trace as nested objects: kind, name, label, value, unit, formula, clause, source, children."""
    return [node_json(n, decision.rulebook.program) for n in decision.trace]


Line = tuple[int, str, str, str, str]


def trace_lines(decision: Decision, lang: str = "zh") -> list[Line]:
    """(depth, label, value, clause, formula) in reading order; what was shown before is not unfolded again."""
    program = decision.rulebook.program
    seen: set[str] = set()
    lines: list[Line] = []

    def walk(node: Node, depth: int) -> None:
        meta, value, children = node
        while (
            len(children) == 1
            and meta.kind == "quantity"
            and children[0][0].kind in ("quantity", "row")
            and not meta.name.startswith(("award:", "ground:", "condition:"))
            and meta.expr is not None
            and isinstance(meta.expr, (ex.Ref, ex.Pick))
            and children[0][1] == value
        ):
            meta, value, children = children[0]  # a name for a name: show the one that says how
        if meta.kind == "row" and children and children[0][0].kind == "row":
            lines.append((depth, meta.label[lang], children[0][0].label[lang], meta.clause, ""))
            if meta.name not in seen:
                seen.add(meta.name)
                for child in children[1:]:
                    walk(child, depth + 1)
            return
        lines.append(
            (depth, meta.label[lang], value_words(meta, value, lang), meta.clause, words_of(meta, program, lang))
        )
        if meta.kind in ("quantity", "row", "ground") and children:
            if meta.name in seen:
                return
            seen.add(meta.name)
        for child in children:
            walk(child, depth + 1)

    for node in decision.trace:
        walk(node, 0)
    return lines


def headline(decision: Decision, lang: str = "zh") -> str:
    """One sentence that can be read to the family."""
    zh = lang == "zh"
    program = decision.rulebook.program
    said = RESULTS[decision.result][0 if zh else 1]
    if decision.result == "granted":
        tier = f"（{decision.tier} 档）" if zh else f" (tier {decision.tier})"
        tier = tier if decision.tier is not None else ""
        if decision.amount is not None:
            amount = printed(decision.amount, Type("number", YUAN), lang)
            return f"{said}：{amount}{tier}" if zh else f"{said}: {amount}{tier}"
        if decision.range is not None:
            ends = printed_range(*decision.range, Type("number", YUAN), lang)
            return (
                f"{said}：{ends}，由经办机关酌定{tier}" if zh else f"{said}: {ends}, at the officer's discretion{tier}"
            )
        return said + tier
    if decision.result == "refused":
        why = reason_words(decision, lang)
        return f"{said}：{'；'.join(why)}" if zh else f"{said}: {'; '.join(why)}"
    count = len(decision.missing)
    parts = [said]
    if count:
        parts.append(f"还需了解 {count} 项情况" if zh else f"{count} fact{'' if count == 1 else 's'} still to be asked")
    gaps = [program.lookup_gap(n)[lang] for n in decision.gaps]
    if gaps:
        parts.append(("本地尚未规定：" if zh else "not yet set locally: ") + ("、" if zh else ", ").join(gaps))
    return "，".join(parts) if zh else "; ".join(parts)


def questions(decision: Decision, lang: str = "zh") -> list[str]:
    """What is still to be asked, in the rulebook's words and order."""
    return [decision.rulebook.program.facts[n].ask[lang] for n in decision.missing]


def reason_words(decision: Decision, lang: str = "zh") -> list[str]:
    """Each reason of a refusal with its clause, in words."""
    program = decision.rulebook.program
    out = []
    for clause in decision.reasons:
        label = next((g.label[lang] for g in program.grounds if g.clause == clause), "")
        if not label:
            category = next((c for c in program.categories if c.clause == clause), None)
            if category is not None:
                name = category.label[lang]
                label = f"不符合“{name}”的条件" if lang == "zh" else f"the condition of '{name}' is not met"
        out.append(f"{label}（{clause}）" if lang == "zh" else f"{label} ({clause})")
    return out or ["无论尚缺的情况如何，均不符合条件" if lang == "zh" else "not met whatever the missing facts are"]


def authority_words(decision: Decision, lang: str = "zh") -> str:
    if decision.authority is None:
        return "—"
    return AUTHORITIES[decision.authority][0 if lang == "zh" else 1]


def track_words(track: str | None, lang: str = "zh") -> str:
    return TRACKS[track][0 if lang == "zh" else 1] if track else "—"


def limit_words(within: tuple[str, int], after: str, program: Program, track: str, lang: str = "zh") -> str:
    """``受理后 5 个工作日``."""
    unit, count = within
    which = 0 if lang == "zh" else 1
    start = EVENTS[after][which] if after in EVENTS else ""
    for step in program.steps:
        if step.track == track and step.name == after and after not in EVENTS:
            start = step.label[lang]
    if not unit:
        return "未规定" if lang == "zh" else "not set"
    if lang == "zh":
        names = {"hours": "小时", "working_days": "个工作日", "calendar_days": "天"}
        return f"{start}后 {count} {names[unit]}"
    names = {"hours": "hour", "working_days": "working day", "calendar_days": "day"}
    return f"{count} {names[unit]}{'' if count == 1 else 's'} after {start[:1].lower() + start[1:]}"


def to_text(decision: Decision, lang: str = "zh") -> str:
    """The whole decision as plain text."""
    zh = lang == "zh"
    program = decision.rulebook.program
    lines = [headline(decision, lang)]
    category = next((c for c in program.categories if decision.rulebook._cite(c.clause) == decision.category), None)
    if category:
        lines.append(
            f"{'类别' if zh else 'Category'}: {category.label[lang]} [{decision.category}] {track_words(decision.track, lang)}"
        )
    lines.append(f"{'审批权限' if zh else 'Authority'}: {authority_words(decision, lang)}")
    lines += [f"  {number}. {question}" for number, question in enumerate(questions(decision, lang), 1)]
    lines.append("为什么" if zh else "Why")
    for depth, label, value, clause, formula in trace_lines(decision, lang):
        cite = f" [{clause}]" if clause else ""
        lines.append(f"{'  ' * (depth + 1)}{label}{cite}  {value}")
        if formula:
            lines.append(f"{'  ' * (depth + 1)}  ＝ {formula}" if zh else f"{'  ' * (depth + 1)}  = {formula}")
    return "\n".join(lines)


def dump(decision: Decision) -> str:
    return json.dumps(decision.to_json(), ensure_ascii=False)
