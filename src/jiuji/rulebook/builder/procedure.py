"""The steps of the procedure, and the rules that facts must obey."""

from __future__ import annotations

from .. import shapes
from ..library import Item
from ..program import (
    EVENTS,
    TRACKS,
    RuleDef,
    StepDef,
)
from .base import Base


class Procedure(Base):
    def _step(self, item: Item) -> StepDef | None:
        self.keys(
            item,
            "clause",
            "label",
            "after",
            "within",
            "waivable",
            "owed",
            "officers",
            "forms",
            "roles",
            "explain",
        )
        track, _, name = item.name.partition(".")
        if track not in TRACKS:
            self.report(
                item.origin(),
                zh=f"步骤 {item.name} 的程序类型 {track} 未知。",
                en=f"The track {track} of the step {item.name} is not known.",
                fix_zh="写成 [step.emergency.名称] 或 [step.expenditure.名称]。",
                fix_en="Write [step.emergency.name] or [step.expenditure.name].",
            )
            return None
        after = str(item.get("after", "application"))
        siblings = {n.partition(".")[2] for n in self.effective.named("step") if n.startswith(track + ".")}
        if after not in siblings | set(EVENTS):
            self.report(
                item.origin("after"),
                zh=f"步骤 {name} 从 {after} 起算，但没有这个步骤或事件。",
                en=f"The step {name} runs from {after}, which is neither a step nor an event.",
                fix_zh=f"可用：{'、'.join(sorted(siblings | set(EVENTS)))}。",
                fix_en=f"Use one of {', '.join(sorted(siblings | set(EVENTS)))}.",
            )
            return None
        within = item.get("within")
        limit: tuple[str, int] = ("", 0)
        if within is None:
            if not item.get("open"):
                self.report(
                    item.origin(),
                    zh=f"步骤 {name} 没有时限，也没有开放给下级。",
                    en=f"The step {name} has no time limit and is not open to a lower level.",
                    fix_zh='写 within = { working_days = 5 }，或 open = "league"。',
                    fix_en='Write within = { working_days = 5 }, or open = "league".',
                )
        elif (
            isinstance(within, dict)
            and len(within) == 1
            and next(iter(within)) in ("hours", "working_days", "calendar_days")
            and shapes.fits("whole", next(iter(within.values())))
            and next(iter(within.values())) >= 0
        ):
            limit = (str(next(iter(within))), int(next(iter(within.values()))))
        else:
            self.report(
                item.origin("within"),
                zh=f"步骤 {name} 的时限写法不对。",
                en=f"The time limit of {name} is not written right.",
                fix_zh="写成 within = { working_days = 5 }；单位用 hours、working_days 或 calendar_days 之一。",
                fix_en="Write within = { working_days = 5 }; the unit is one of hours, working_days, calendar_days.",
            )
            return None
        empty = {"zh": "", "en": ""}
        return StepDef(
            item.name,
            track,
            name,
            self.label(item),
            self.clause(item),
            after,
            limit,
            bool(item.get("waivable", False)),
            self.label(item, "owed") if "owed" in item.data else empty,
            int(item.get("officers", 1)),
            list(item.get("forms", [])),
            list(item.get("roles", [])),
            self.label(item, "explain") if "explain" in item.data else empty,
            item,
        )

    def _rules(self, section: str) -> list[RuleDef]:
        rules = []
        for item in self.effective.named(section).values():
            self.keys(item, "that", "label", "clause")
            that = self.condition(item.get("that"), item.origin("that"))
            if that is not None:
                rules.append(RuleDef(item.name, that, self.label(item), item))
        return rules
