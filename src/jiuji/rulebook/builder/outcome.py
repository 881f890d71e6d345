"""The outcome: categories and their awards, grounds for refusal, authority, the panel."""

from __future__ import annotations

from .. import expression as ex
from ..expression import Expr, Ref
from ..library import Item, Origin
from ..program import (
    AUTHORITIES,
    TRACKS,
    AuthorityDef,
    AuthorityRow,
    CategoryDef,
    GroundDef,
    Label,
    PanelDef,
    QuantityDef,
)
from ..units import TIER, YUAN
from .base import Base


class Outcome(Base):
    def _check_award(self, award: Item) -> None:
        self.keys(award, "label", "clause", "formula", "choose")
        if award.get("choose", "first") not in ("first", "best"):
            self.report(
                award.origin("choose"),
                zh=f"[award] 的 choose 不能是 {award.get('choose')}。",
                en=f"choose of [award] cannot be {award.get('choose')}.",
                fix_zh="用 first（按次序取第一个适用的类别）或 best（取金额最高的）。",
                fix_en="Use first (the first category that applies) or best (the one that gives most).",
            )

    def _derived(self, name: str, label: Label, expr: Expr, clause: str, item: Item) -> Ref:
        self.add(QuantityDef(name, label, expr.type, expr, clause, item, role="derived"))
        return Ref(expr.type, "quantity", name)

    def _category(self, item: Item, award: Item | None) -> CategoryDef | None:
        self.keys(
            item,
            "clause",
            "track",
            "label",
            "applies",
            "condition",
            "condition_label",
            "tier",
            "amount",
            "least",
            "most",
        )
        clause, label = self.clause(item), self.label(item)
        track = item.get("track")
        if track not in TRACKS:
            self.report(
                item.origin("track"),
                zh=f"类别 {item.name} 的程序类型 {track} 未知。",
                en=f"The track {track} of category {item.name} is not known.",
                fix_zh=f"可用：{'、'.join(TRACKS)}。",
                fix_en=f"Use one of {', '.join(TRACKS)}.",
            )
            return None
        applies = self.condition(item.get("applies"), item.origin("applies"))
        condition: Expr | None = ex.TRUE
        if item.get("condition") is not None:
            condition = self.condition(item.get("condition"), item.origin("condition"))
            if condition is not None:
                words = (
                    self.label(item, "condition_label")
                    if "condition_label" in item.data
                    else {"zh": f"{label['zh']}：符合条件", "en": f"{label['en']}: condition met"}
                )
                condition = self._derived(f"condition:{item.name}", words, condition, clause, item)
        if applies is None or condition is None:
            return None
        tier = self._tier(item)
        least = most = None
        discretion = "least" in item.data or "most" in item.data
        if discretion:
            least = self._money(item, "least")
            most = self._money(item, "most")
        elif "amount" in item.data:
            least = most = self._money(item, "amount")
        made = CategoryDef(item.name, clause, track, label, applies, condition, tier, least, most, discretion, item)
        if least is not None and most is not None:
            self._award(made, award)
        return made

    def _tier(self, item: Item) -> Expr | None:
        tier = item.get("tier")
        if tier is None:
            return None
        if isinstance(tier, int):
            return ex.number(tier, TIER)
        return self.measure(tier, item.origin("tier"), TIER)

    def _money(self, item: Item, key: str) -> Expr | None:
        return self.measure(item.get(key), item.origin(key), YUAN)

    def _award(self, category: CategoryDef, award: Item | None) -> None:
        assert category.least is not None and category.most is not None
        words = {"zh": "核定金额", "en": "Computed amount"}
        made: dict[str, Expr] = {}
        ends = (
            (("least", category.least), ("most", category.most)) if category.discretion else (("most", category.most),)
        )
        for end, raw in ends:
            name = f"amount:{category.key}" + (f":{end}" if category.discretion else "")
            text = dict(words)
            if category.discretion:
                text = {
                    "zh": f"{words['zh']}（{'下限' if end == 'least' else '上限'}）",
                    "en": f"{words['en']} ({end})",
                }
            ref = self._derived(name, text, raw, category.clause, category.item)
            formula = award.get("formula") if award else None
            expr: Expr | None = ref
            if formula is not None and award is not None:

                def scope(wanted: str, ref: Expr = ref) -> Expr | None:
                    return ref if wanted == "amount" else self.scope(wanted)

                expr = self.measure(formula, award.origin("formula"), YUAN, scope)
            if expr is None:
                return
            if expr.scale != 1:
                assert award is not None or category.item is not None
                self.report(
                    award.origin("formula") if award else category.item.origin(),
                    zh="救助金额可能不是整分。",
                    en="The award may have a fraction of a fen.",
                    fix_zh="请在 [award] 的 formula 里写 round_half_up(amount, 'yuan') 或 'fen'。",
                    fix_en="Write round_half_up(amount, 'yuan') or 'fen' in the formula of [award].",
                )
                return
            label = self.label(award) if award else words
            clause = self.clause(award) if award else category.clause
            name = f"award:{category.key}" + (f":{end}" if category.discretion else "")
            made[end] = self._derived(name, label, expr, clause, award or category.item)
        category.award_most = made["most"]
        category.award_least = made.get("least", made["most"])

    def _ground(self, item: Item, categories: list[CategoryDef]) -> GroundDef | None:
        self.keys(item, "clause", "label", "when", "track", "about")
        clause, label = self.clause(item), self.label(item)
        about = item.get("about", "application")
        track = item.get("track", "")
        if about not in ("application", "award") or (track and track not in TRACKS):
            self.report(
                item.origin("about" if about not in ("application", "award") else "track"),
                zh=f"理由 {item.name} 的 about 或 track 不对。",
                en=f"about or track of the ground {item.name} is wrong.",
                fix_zh="about 用 application 或 award；track 用 emergency 或 expenditure。",
                fix_en="about is application or award; track is emergency or expenditure.",
            )
            return None
        if item.get("when") is None and item.get("open"):
            return None
        when: dict[str, Expr] = {}
        for category in categories:
            if track and category.track != track:
                continue
            if about == "award":
                if category.award_most is None:
                    continue
                award, amount = category.award_most, category.most

                def scope(name: str, award: Expr = award, amount: Expr | None = amount) -> Expr | None:
                    return award if name == "award" else amount if name == "amount" else self.scope(name)

                expr = self.condition(item.get("when"), item.origin("when"), scope)
                if expr is None:
                    return None
                when[category.key] = self._derived(f"ground:{item.name}:{category.key}", label, expr, clause, item)
            else:
                name = f"ground:{item.name}"
                if name not in self.quantities:
                    expr = self.condition(item.get("when"), item.origin("when"))
                    if expr is None:
                        return None
                    self._derived(name, label, expr, clause, item)
                when[category.key] = Ref(ex.BOOLEAN, "quantity", name)
        return GroundDef(item.name, clause, label, track, about, when, item)

    def _authority(self, item: Item) -> AuthorityDef | None:
        self.keys(item, "clause", "label", "rows", "refusal")
        rows: list[AuthorityRow] = []
        given = item.get("rows")
        for index, row in enumerate(given if isinstance(given, list) else []):
            where = item.origin("rows", index)
            who = row.get("decides")
            if who not in AUTHORITIES:
                self._bad_authority(where, str(who))
                return None
            limit = self.measure(row["up_to"], where, YUAN) if "up_to" in row else None
            when = self.condition(row["when"], where) if "when" in row else None
            if ("up_to" in row and limit is None) or ("when" in row and when is None):
                return None
            rows.append(AuthorityRow(who, limit, when))
        if not rows or rows[-1].limit is not None or rows[-1].when is not None:
            self.report(
                item.origin("rows"),
                zh=f"[authority.{item.name}] 的最后一行要不设限额，说明其余由谁决定。",
                en=f"The last row of [authority.{item.name}] must have no limit: it says who decides the rest.",
                fix_zh='例如 { decides = "county" }。',
                fix_en='For example { decides = "county" }.',
            )
            return None
        refusal = item.get("refusal")
        if refusal not in AUTHORITIES:
            self._bad_authority(item.origin("refusal"), str(refusal))
            return None
        return AuthorityDef(item.name, self.clause(item), rows, str(refusal), self.label(item), item)

    def _bad_authority(self, where: Origin, who: str) -> None:
        self.report(
            where,
            zh=f"审批机关 {who} 未知。",
            en=f"The authority {who} is not known.",
            fix_zh=f"可用：{'、'.join(AUTHORITIES)}。",
            fix_en=f"Use one of {', '.join(AUTHORITIES)}.",
        )

    def _panel(self) -> PanelDef | None:
        item = self.effective.single("panel")
        if item is None:
            return None
        self.keys(item, "clause", "label", "when", "unless_refused_under", "up_to")
        if item.get("when") is None:
            return None
        when = self.condition(item.get("when"), item.origin("when"))
        if when is None:
            return None
        clause, label = self.clause(item), self.label(item)
        ref = self._derived("panel", label, when, clause, item)
        up_to = item.get("up_to")
        if up_to is not None and up_to not in self.parameters:
            self.report(item.origin("up_to"), ex.unknown_name(str(up_to), list(self.parameters)))
        return PanelDef(clause, label, ref, frozenset(item.get("unless_refused_under", [])), up_to, item)
