"""What differs between two rulebooks, in words."""

from __future__ import annotations

import datetime as dt
import re

from .decision import Rulebook
from .explain import limit_words
from .program import AUTHORITIES, FAR_FUTURE, QuantityDef, clause_key
from .words import formula_words, printed

Difference = tuple[str, str, str, str]  # section, name and label, before, after


def differences(old: Rulebook, new: Rulebook, lang: str = "zh") -> list[Difference]:
    """(section, what, before, after) for everything that differs; empty text where one side has nothing."""
    found: list[Difference] = []
    names = {
        "fact": ("事实", "fact"),
        "parameter": ("参数", "parameter"),
        "quantity": ("计算", "quantity"),
        "category": ("类别", "category"),
        "ground": ("不予救助理由", "ground for refusal"),
        "authority": ("审批权限", "authority"),
        "panel": ("特别救助", "special assistance"),
        "step": ("程序", "procedure"),
        "constraint": ("事实必须符合", "facts must obey"),
        "doubt": ("提示核对", "worth asking about"),
    }
    for section, label in names.items():
        before, after = _described(old, section, lang), _described(new, section, lang)
        for key in [*before, *(k for k in after if k not in before)]:
            one, other = before.get(key, ""), after.get(key, "")
            if one != other:
                found.append((label[0 if lang == "zh" else 1], key, one, other))
    return found + _dates(old, new, lang) + _rest(old, new, found, lang)


def _dates(old: Rulebook, new: Rulebook, lang: str) -> list[Difference]:
    zh = lang == "zh"
    out = []
    for name, before, after in (
        ("施行日期" if zh else "in force from", old.program.since, new.program.since),
        ("失效日期" if zh else "in force until", old.program.until, new.program.until),
    ):
        if before != after:
            days = [dt.date.fromordinal(d).isoformat() if d < FAR_FUTURE else "" for d in (before, after)]
            out.append(("施行" if zh else "in force", name, days[0], days[1]))
    return out


def _rest(old: Rulebook, new: Rulebook, told: list[Difference], lang: str) -> list[Difference]:
    """What is written differently and not told in words above, key by key: two that differ are never called the same."""
    mentioned = " ".join(name for _, name, _, _ in told)
    before, after = _written(old), _written(new)
    out = []
    for path in [*before, *(p for p in after if p not in before)]:
        named = re.match(r"\[\w+\.(.+?)\]", path)
        item = named.group(1) if named else path
        one, other = before.get(path, ""), after.get(path, "")
        if one != other and not re.search(rf"(?<![\w.]){re.escape(item)}(?![\w])", mentioned):
            out.append(("原文" if lang == "zh" else "as written", path, one, other))
    return out


def _written(book: Rulebook) -> dict[str, str]:
    effective = book.program.effective
    found = {}
    for section, items in effective.items.items():
        for item in items.values():
            for key, value in item.data.items():
                found[f"[{section}.{item.name}] {key}"] = str(value)
    for number, (data, _) in enumerate(effective.lists["transition"], 1):
        found[f"[[transition]] {number}"] = str(data)
    return found


def _described(book: Rulebook, section: str, lang: str) -> dict[str, str]:
    program = book.program
    zh = lang == "zh"
    then = "；" if zh else "; "
    out: dict[str, str] = {}
    if section == "fact":
        for fact in program.facts.values():
            choices = ("、" if zh else ", ").join(v[lang] for v in fact.value_labels.values())
            bounds = (
                f"{printed(fact.low, fact.type, lang)} – {printed(fact.high, fact.type, lang)}"
                if fact.type.kind == "number"
                else ""
            )
            default = (
                ""
                if fact.default is None
                else f"{'默认' if zh else 'default'} {printed(fact.default, fact.type, lang, fact.value_labels)}"
            )
            out[f"{fact.label[lang]} {fact.name}"] = then.join(
                x for x in (fact.kind, choices, bounds, default, _history(fact.history, zh)) if x
            )
    elif section == "parameter":
        for parameter in program.parameters.values():
            values = then.join(
                f"{_span(v.since, v.until, zh)}{printed(v.value, parameter.type, lang)}" for v in parameter.values
            )
            out[f"{parameter.label[lang]} {parameter.name}"] = values or ("尚未规定" if zh else "not yet set")
    elif section == "quantity":
        for quantity in program.quantities.values():
            if quantity.name.startswith(("award:", "amount:", "condition:", "ground:", "panel")):
                continue
            out[f"{quantity.label[lang]} {quantity.name}"] = _quantity(quantity, book, lang)
    elif section == "category":
        for c in program.categories:
            parts = [formula_words(c.applies, program, lang), formula_words(c.condition, program, lang)]
            for expr in (c.tier, c.award_least if c.discretion else None, c.award_most):
                if expr is not None:
                    inner = (
                        program.quantities[expr.name].expr
                        if hasattr(expr, "name") and expr.name in program.quantities
                        else expr
                    )
                    parts.append(formula_words(inner, program, lang) if inner is not None else "")
            out[f"{c.label[lang]} {c.clause}"] = then.join(p for p in parts if p)
    elif section == "ground":
        for g in program.grounds:
            exprs = {formula_words(program.quantities[e.name].expr, program, lang) for e in g.when.values()}  # type: ignore[attr-defined,arg-type]
            out[f"{g.label[lang]} {g.clause}"] = then.join(sorted(exprs))
    elif section == "authority":
        for a in program.authorities.values():
            rows = []
            for row in a.rows:
                tests = [f"≤ {formula_words(row.limit, program, lang)}"] if row.limit is not None else []
                if row.when is not None:
                    tests.append(formula_words(row.when, program, lang))
                limit = ("，且" if zh else " and ").join(tests) + (" → " if tests else "")
                rows.append(limit + AUTHORITIES[row.who][0 if zh else 1])
            refusal = AUTHORITIES[a.refusal][0 if zh else 1]
            out[f"{a.label[lang]} {a.track}"] = then.join([*rows, f"{'不予救助' if zh else 'refusal'} → {refusal}"])
    elif section == "panel" and program.panel is not None:
        inner = program.quantities["panel"].expr
        parts = [formula_words(inner, program, lang) if inner is not None else ""]
        if program.panel.up_to is not None:
            parts.append(("最高 " if zh else "at most ") + program.parameters[program.panel.up_to].label[lang])
        if program.panel.unless_refused_under:
            barred = ("、" if zh else ", ").join(sorted(program.panel.unless_refused_under, key=clause_key))
            parts.append(f"依 {barred} 不予救助的除外" if zh else f"unless refused under {barred}")
        out[f"{program.panel.label[lang]} {program.panel.clause}"] = then.join(p for p in parts if p)
    elif section in ("constraint", "doubt"):
        for rule in program.constraints if section == "constraint" else program.doubts:
            out[f"{rule.label[lang]} {rule.name}"] = formula_words(rule.that, program, lang)
    elif section == "step":
        for s in program.steps:
            text = limit_words(s.within, s.after, program, s.track, lang)
            out[f"{s.label[lang]} {s.key}"] = text + (
                then + ("可简化" if zh else "may be waived") if s.waivable else ""
            )
    return out


def _history(history: dict[str, str], zh: bool) -> str:
    """``sum 12_months``: what of the earlier grants fills the fact in."""
    return ", ".join(f"{how} {period}" for how, period in history.items())


def _span(since: int, until: int, zh: bool) -> str:
    start = dt.date.fromordinal(since).isoformat()
    if until >= FAR_FUTURE:
        return f"{start} 起 " if zh else f"{start}: "
    end = dt.date.fromordinal(until).isoformat()
    return f"{start} 至 {end} 前 " if zh else f"{start} until {end}: "


def _quantity(quantity: QuantityDef, book: Rulebook, lang: str) -> str:
    then = "；" if lang == "zh" else "; "
    if quantity.expr is None:
        return "尚未规定" if lang == "zh" else "not yet set"
    if quantity.role == "row":
        conditions = quantity.conditions
        return then.join(f"{i + 1} {formula_words(c, book.program, lang)}" for i, c in enumerate(conditions))
    if quantity.role == "column" and hasattr(quantity.expr, "options"):
        return then.join(f"{i + 1} {formula_words(o, book.program, lang)}" for i, o in enumerate(quantity.expr.options))
    return formula_words(quantity.expr, book.program, lang)
