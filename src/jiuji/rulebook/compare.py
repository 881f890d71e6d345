"""What differs between two rulebooks, in words."""

from __future__ import annotations

import datetime as dt

from .decision import Rulebook
from .explain import limit_words
from .program import AUTHORITIES, QuantityDef
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
    }
    for section, label in names.items():
        before, after = _described(old, section, lang), _described(new, section, lang)
        for key in [*before, *(k for k in after if k not in before)]:
            one, other = before.get(key, ""), after.get(key, "")
            if one != other:
                found.append((label[0 if lang == "zh" else 1], key, one, other))
    return found


def _described(book: Rulebook, section: str, lang: str) -> dict[str, str]:
    program = book.program
    zh = lang == "zh"
    out: dict[str, str] = {}
    if section == "fact":
        for fact in program.facts.values():
            choices = "、".join(v[lang] for v in fact.value_labels.values())
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
            out[f"{fact.label[lang]} {fact.name}"] = "；".join(x for x in (fact.kind, choices, bounds, default) if x)
    elif section == "parameter":
        for parameter in program.parameters.values():
            values = "；".join(
                f"{dt.date.fromordinal(v.since)}{' 起 ' if zh else ': '}{printed(v.value, parameter.type, lang)}"
                for v in parameter.values
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
            out[f"{c.label[lang]} {c.clause}"] = "；".join(p for p in parts if p)
    elif section == "ground":
        for g in program.grounds:
            exprs = {formula_words(program.quantities[e.name].expr, program, lang) for e in g.when.values()}  # type: ignore[attr-defined,arg-type]
            out[f"{g.label[lang]} {g.clause}"] = "；".join(sorted(exprs))
    elif section == "authority":
        for a in program.authorities.values():
            rows = []
            for row in a.rows:
                limit = f"≤ {formula_words(row.limit, program, lang)} → " if row.limit is not None else ""
                rows.append(limit + AUTHORITIES[row.who][0 if zh else 1])
            refusal = AUTHORITIES[a.refusal][0 if zh else 1]
            out[f"{a.label[lang]} {a.track}"] = "；".join([*rows, f"{'不予救助' if zh else 'refusal'} → {refusal}"])
    elif section == "panel" and program.panel is not None:
        inner = program.quantities["panel"].expr
        out[f"{program.panel.label[lang]} {program.panel.clause}"] = (
            formula_words(inner, program, lang) if inner is not None else ""
        )
    elif section == "step":
        for s in program.steps:
            text = limit_words(s.within, s.after, program, s.track, lang)
            out[f"{s.label[lang]} {s.key}"] = text + (("；可简化" if zh else "; may be waived") if s.waivable else "")
    return out


def _quantity(quantity: QuantityDef, book: Rulebook, lang: str) -> str:
    if quantity.expr is None:
        return "尚未规定" if lang == "zh" else "not yet set"
    if quantity.role == "row":
        conditions = quantity.conditions
        return "；".join(f"{i + 1} {formula_words(c, book.program, lang)}" for i, c in enumerate(conditions))
    if quantity.role == "column" and hasattr(quantity.expr, "options"):
        return "；".join(f"{i + 1} {formula_words(o, book.program, lang)}" for i, o in enumerate(quantity.expr.options))
    return formula_words(quantity.expr, book.program, lang)
