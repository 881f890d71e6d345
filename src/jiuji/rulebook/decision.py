"""From a case to a decision.

>>> rulebook = load("150199")
>>> decision = rulebook.decide({"cause": "medical_expense", "medical_bill": 8000, "recognised": "none", ...})
>>> decision.result, decision.reasons
('refused', ['2.2.3'])

Complete cases run through the compiled functions of ``scalar.py``; a case with facts missing is reasoned about over
ranges (``ranges.py``). Both give the same :class:`Decision`.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .builder import build_program
from .calendar import Calendar
from .case import Reader
from .errors import CaseError, NotInForce, RulebookError
from .library import Book, Library
from .program import AUTHORITIES, Program, StepDef, clause_key, split_citation
from .ranges import Reasoner
from .scalar import Node, Segment

WHO = list(AUTHORITIES)


@dataclass(slots=True)
class Step:
    """A step of the procedure with its due time; ``due`` is None while its start has not happened."""

    step: str
    label: dict[str, str]
    clause: str
    after: str
    within: tuple[str, int]
    due: dt.date | None
    waivable: bool
    owed: dict[str, str]
    officers: int
    forms: list[str]
    roles: list[str]
    note: dict[str, str]
    published: bool = True

    def to_json(self) -> dict[str, Any]:
        """Keys: step, clause, after, limit {unit: n}, due (ISO date or null), waivable, officers."""
        return {
            "step": self.step,
            "label": self.label,
            "clause": self.clause,
            "after": self.after,
            "limit": {self.within[0]: self.within[1]} if self.within[0] else None,
            "due": self.due.isoformat() if self.due else None,
            "calendar_published": self.published,
            "waivable": self.waivable,
            "owed": self.owed if self.waivable else None,
            "officers": self.officers,
            "forms": self.forms,
            "roles": self.roles,
            "note": self.note if self.note["zh"] else None,
        }


@dataclass(slots=True)
class Decision:
    """What the rulebook says of a case.

    ``result`` is granted, refused or undetermined. ``amount`` (fen) is None unless granted with one figure;
    ``range`` is (least, most) in fen where the standard leaves it to the officer. ``reasons`` are the clauses of a
    certain refusal in ascending order. ``missing`` are the facts that could still change result, amount, tier or
    authority; ``gaps`` the parts of the policy that no level has set and that could.
    """

    rulebook: Rulebook
    applied_on: dt.date
    result: str
    category: str | None
    track: str | None
    tier: int | None
    amount: int | None
    range: tuple[int, int] | None
    authority: str | None
    special_panel: bool | None
    reasons: list[str]
    missing: list[str]
    gaps: list[str]
    trace: list[Node]
    facts: list[Any] = field(repr=False)
    so_far: tuple[int, int] | None = None

    @property
    def steps(self) -> list[Step]:
        """The procedure of the track from the date of application, with due times."""
        return self.rulebook.steps(self.track, {"application": self.applied_on}) if self.track else []

    @property
    def doubts(self) -> list[dict[str, str]]:
        """Unlikely combinations of facts that are worth asking about (zh, en)."""
        return self.rulebook.doubts(self.facts)

    def to_json(self) -> dict[str, Any]:
        """The stable form: see docs/command-line.md."""
        from .explain import trace_json

        out: dict[str, Any] = {
            "result": self.result,
            "category": self.category,
            "track": self.track,
            "tier": self.tier,
            "amount": yuan(self.amount),
            "authority": self.authority,
            "special_panel": self.special_panel,
            "reasons": self.reasons,
            "missing": self.missing,
            "steps": [s.to_json() for s in self.steps],
            "trace": trace_json(self),
        }
        if self.range is not None:
            out["range"] = [yuan(self.range[0]), yuan(self.range[1])]
        if self.gaps:
            out["gaps"] = self.gaps
        return out


def yuan(fen: int | None) -> str | None:
    """Fen as a decimal string in yuan with two decimals."""
    if fen is None:
        return None
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


class Rulebook:
    """A checked, compiled rulebook in force for one division."""

    def __init__(self, program: Program, calendar: Calendar | None = None) -> None:
        self.program = program
        self.reader = Reader(program)
        self._calendar = calendar
        self._segments: dict[int, Segment] = {}
        self._reasoners: dict[int, Reasoner] = {}
        self._applied = program.facts["applied_on"].slot
        self._plain_date = program.standard_date is not None and not program.effective.lists["transition"]
        self._date_slot = self._date_fact()
        self._fast: dict[int, tuple[int, int]] = {}

    @functools.cached_property
    def calendar(self) -> Calendar:
        return self._calendar or Calendar.statutory()

    @property
    def id(self) -> str:
        return self.program.id

    @property
    def book(self) -> Book:
        return self.program.effective.book

    def _date_fact(self) -> int:
        from .expression import Ref

        date = self.program.standard_date
        return self.program.facts[date.name].slot if isinstance(date, Ref) else -1

    def segment(self, index: int) -> Segment:
        if index not in self._segments:
            self._segments[index] = Segment(self.program, index)
        return self._segments[index]

    def reasoner(self, index: int) -> Reasoner:
        if index not in self._reasoners:
            self._reasoners[index] = Reasoner(self.program, self.segment(index))
        return self._reasoners[index]

    # --- deciding ---

    def decide(self, case: Mapping[str, Any], on: dt.date | None = None) -> Decision:
        """Decide one case. ``on`` is the date of application where the case has none (default: today).

        Raises CaseError for a key, type, value or combination that cannot be, NotInForce for a date without a standard.
        """
        return self.decide_facts(self.reader.read(case, on))

    def decide_facts(self, facts: list[Any]) -> Decision:
        """As ``decide``, for facts already in slot order and base units."""
        program = self.program
        index = self._segment_of(facts)
        if index is None:
            return self._over_versions(facts)
        segment = self.segment(index)
        v = segment.slots_for(facts)
        if program.constraints:
            broken = segment.checks(v)
            if broken:
                raise self._contradiction(broken[0])
        try:
            k = segment.category(v)
            if k >= 0:
                reasons, least, most, tier, authority, panel, trace = segment.decide[k](v)
                if reasons or (most is None and program.categories[k].award_most is None) or most is not None:
                    return self._decided(facts, k, reasons, least, most, tier, authority, panel, trace)
        except TypeError:
            k = -1
        return self._over_ranges(facts, index)

    def _segment_of(self, facts: list[Any]) -> int | None:
        """The stretch of dates that the case falls in; None where that is not certain."""
        program = self.program
        if self._date_slot >= 0:
            day = facts[self._date_slot]
        else:
            segment = self.segment(len(program.changes) - 1)
            try:
                day = segment.standard_date(segment.slots_for(facts))
            except TypeError:
                return None
        if day is None:
            return None
        if not program.since <= day < program.until:
            raise self._not_in_force(day)
        return program.segment(day)

    def _not_in_force(self, day: int) -> NotInForce:
        since = dt.date.fromordinal(self.program.since)
        title = self.program.title
        date = dt.date.fromordinal(day)
        if day < self.program.since:
            return NotInForce(
                f"{date} 在 {since} 之前，{title['zh']}当时还没有标准；请核对 applied_on，或使用当时有效的标准。",
                f"{date} is before {since}: {title.get('en', self.id)} has no standard for it. Check applied_on, "
                "or use the rulebook then in force.",
                key="applied_on",
            )
        until = dt.date.fromordinal(self.program.until)
        return NotInForce(
            f"{date} 在 {until} 之后，{title['zh']}已经失效；请使用新的标准。",
            f"{date} is after {until}: {title.get('en', self.id)} is no longer in force. Use its successor.",
            key="applied_on",
        )

    def _contradiction(self, number: int) -> CaseError:
        rule = self.program.constraints[number]
        keys = list(dict.fromkeys(r.name for r in rule.that.refs()))
        return CaseError(
            f"{'、'.join(keys)}：{rule.label['zh']}；请核对并改正其中一项。",
            f"{', '.join(keys)}: {rule.label['en']}. Check and correct one of them.",
            key=keys[0],
        )

    def _cite(self, clause: str) -> str:
        """A clause id as printed: bare where it belongs to the main document."""
        main = self.program.effective.books[0].document
        document, bare = split_citation(clause, main)
        return bare if document == main else f"{document} §{bare}" if bare else document

    def _decided(
        self,
        facts: list[Any],
        k: int,
        reasons: list[int],
        least: int | None,
        most: int | None,
        tier: int | None,
        authority: int | None,
        panel: bool | None,
        trace: list[Node],
    ) -> Decision:
        category = self.program.categories[k]
        applied = dt.date.fromordinal(facts[self._applied])
        who = None if authority is None else WHO[authority]
        if reasons:
            return Decision(
                self,
                applied,
                "refused",
                self._cite(category.clause),
                category.track,
                None,
                None,
                None,
                who,
                panel,
                self._reasons(reasons, k),
                [],
                [],
                trace,
                facts,
            )
        ranged = category.discretion and least != most
        return Decision(
            self,
            applied,
            "granted",
            self._cite(category.clause),
            category.track,
            tier,
            None if ranged else most,
            (least, most) if ranged and least is not None and most is not None else None,
            who,
            panel,
            [],
            [],
            [],
            trace,
            facts,
        )

    def _reasons(self, numbers: list[int], k: int) -> list[str]:
        grounds = self.program.grounds
        clauses = {grounds[n].clause if n >= 0 else self.program.categories[k].clause for n in numbers}
        return sorted((self._cite(c) for c in clauses), key=clause_key)

    def _over_ranges(self, facts: list[Any], index: int) -> Decision:
        """The decision over every completion of the missing facts."""
        reasoner = self.reasoner(index)
        box, unknown = reasoner.box(facts)
        program = self.program
        names = {d.slot: n for d, n in self._slot_names()}
        facts_of = len(program.facts)
        missing, outcome = reasoner.missing(box, unknown)
        view = reasoner.outlook(box)
        memo: dict[int, Any] = {}
        categories = view.categories
        k = categories[0] if len(categories) == 1 else None
        applied = dt.date.fromordinal(facts[self._applied])
        clauses = {self._cite(program.categories[c].clause) if c >= 0 else program.no_category for c in categories}
        tracks = {program.categories[c].track if c >= 0 else "" for c in categories}
        panels = {self._panel(reasoner, self._within(reasoner, box, c), unknown, c) for c in categories}
        panel = panels.pop() if len(panels) == 1 else None
        trace: list[Node] = []
        if k is not None and k >= 0:
            trace = self._range_trace(reasoner, box, memo, k, outcome)
        refused = outcome is not None and outcome[0]
        decision = Decision(
            self,
            applied,
            "undetermined" if outcome is None else "refused" if refused else "granted",
            (clauses.pop() or None) if len(clauses) == 1 else None,
            (tracks.pop() or None) if len(tracks) == 1 else None,
            None,
            None,
            None,
            None,
            panel,
            [],
            [names[s] for s in missing if s < facts_of],
            [names[s] for s in missing if s >= facts_of],
            trace,
            facts,
        )
        if outcome is None:
            if not view.authorities & (view.authorities - 1) and view.authorities and not view.mixed:
                decision.authority = WHO[view.authorities.bit_length() - 1]
            if view.refused == (0, 0) and view.tier is not None and view.tier[0] == view.tier[1] and view.tier[0] >= 0:
                decision.tier = view.tier[0]
            if view.least is not None and view.most is not None and view.least[0] >= 0 and not view.refused[0]:
                decision.so_far = (view.least[0], view.most[1])
            return decision
        _, least, most, tier, authority = outcome
        decision.authority = None if authority is None else WHO[authority]
        if refused:
            found: set[str] = set()
            for number, c in enumerate(categories):
                if c < 0:
                    here = {program.no_category} if program.no_category else set()
                else:
                    here = set(self._reasons(reasoner.reasons(self._within(reasoner, box, c), unknown, c), c))
                found = here if number == 0 else found & here
            decision.reasons = sorted(found, key=clause_key)
            return decision
        decision.tier = tier
        decision.amount = most if least == most else None
        if least != most:
            decision.range = (least, most)
        return decision

    def _panel(self, reasoner: Reasoner, box: list[Any], unknown: list[int], category: int) -> bool | None:
        """Whether a panel may be called in one category; None where that is not certain."""
        panel = self.program.panel
        if panel is None:
            return False
        called = reasoner.certain(panel.when, box, unknown)
        if called is False or category < 0:
            return called
        key = self.program.categories[category].key
        barring = [
            g.when[key] for g in self.program.grounds if g.clause in panel.unless_refused_under and key in g.when
        ]
        held = [reasoner.certain(b, box, unknown) for b in barring]
        return False if True in held else None if None in held or called is None else True

    @staticmethod
    def _within(reasoner: Reasoner, box: list[Any], category: int) -> list[Any]:
        """The box narrowed to one category where its condition is a plain choice."""
        from . import expression as ex

        applies = reasoner.program.categories[category].applies if category >= 0 else ex.TRUE
        if isinstance(applies, ex.Member) and isinstance(applies.item, ex.Ref):
            narrowed = list(box)
            slot = reasoner.program.facts[applies.item.name].slot
            narrowed[slot] = box[slot] & sum(1 << i for i in applies.among) or box[slot]
            return narrowed
        return box

    def _range_trace(
        self, reasoner: Reasoner, box: list[Any], memo: dict[int, Any], k: int, outcome: tuple[Any, ...] | None
    ) -> list[Node]:
        category = self.program.categories[k]
        trace: list[Node] = []
        grounds = [(g.when[category.key], g) for g in self.program.grounds if category.key in g.when]
        met = reasoner.compile(category.condition)(box, memo)
        if outcome is not None and outcome[0]:
            for when, ground in grounds:
                low, _high, _ = reasoner.compile(when)(box, memo)
                if low and (ground.about != "award" or met[0]):
                    reasoner.explain(when, box, memo, trace)
            if not met[1]:
                reasoner.explain(category.condition, box, memo, trace)
            if not trace:  # refused whichever way: show what lies open between the ways
                for when, _ground in grounds:
                    if reasoner.compile(when)(box, memo)[1]:
                        reasoner.explain(when, box, memo, trace)
                reasoner.explain(category.condition, box, memo, trace)
        else:
            for expr in (category.award_least if category.discretion else None, category.award_most, category.tier):
                if expr is not None:
                    reasoner.explain(expr, box, memo, trace)
            reasoner.explain(category.condition, box, memo, trace)
            for when, ground in grounds:
                if ground.about != "award" or met[1]:
                    reasoner.explain(when, box, memo, trace)
        authority = self.program.authorities.get(category.track)
        if authority is not None:
            view = reasoner.outlook(box, memo)
            sure = view.authorities and not view.authorities & (view.authorities - 1)
            limits: list[Node] = []
            if not (outcome is not None and outcome[0]):
                for row in authority.rows[:-1]:
                    if row.limit is not None:
                        reasoner.explain(row.limit, box, memo, limits)
            trace.append(
                (reasoner.metas.authority[category.track], view.authorities.bit_length() - 1 if sure else None, limits)
            )
        return trace

    def _slot_names(self) -> list[tuple[Any, str]]:
        program = self.program
        return [(d, n) for group in (program.facts, program.parameters, program.quantities) for n, d in group.items()]

    def _over_versions(self, facts: list[Any]) -> Decision:
        """A transition rule hangs on a missing fact: decide under each version that is possible and compare."""
        program = self.program
        reasoner = self.reasoner(len(program.changes) - 1)
        box, unknown = reasoner.box(facts)
        low, high, mask = reasoner.compile(program.standard_date)(box, {})
        days = {max(low, program.since), max(high, program.since)}
        if len(program.effective.lists["transition"]) > 1:
            days |= {d for d in program.changes if low < d <= high}
        decisions = [self._over_ranges(facts, program.segment(d)) for d in sorted(days)]
        last = decisions[-1]
        for key in ("special_panel", "category", "track"):
            if any(getattr(d, key) != getattr(last, key) for d in decisions):
                setattr(last, key, None)
        outputs = ("result", "amount", "range", "tier", "authority")
        same = all(getattr(d, k) == getattr(last, k) for k in outputs for d in decisions)
        if same and last.result != "undetermined":
            last.reasons = [r for r in last.reasons if all(r in d.reasons for d in decisions)]
            return last
        names = {d.slot: n for d, n in self._slot_names()}
        wanted = {names[s] for s in unknown if mask >> s & 1 and s < len(program.facts)}
        for decision in decisions:
            wanted |= set(decision.missing)
        last.result, last.amount, last.range, last.tier, last.reasons = "undetermined", None, None, None, []
        if any(d.authority != last.authority for d in decisions):
            last.authority = None
        last.missing = [n for n in program.facts if n in wanted]
        return last

    # --- procedure ---

    def steps(self, track: str | None, events: Mapping[str, dt.date]) -> list[Step]:
        """The steps of a track. ``events`` gives the days of what has happened (steps by name, ``application`` …);

        what has not happened is planned from the day that it is due, so that a promised date can be printed.
        """
        known = {"report": events.get("application"), **events}
        planned: dict[str, dt.date | None] = {}
        result = []
        calendar = self.calendar
        for step in self.program.steps:
            if step.track != track:
                continue
            start = known.get(step.after) or planned.get(step.after)
            due = self._due(step, start, calendar)
            planned[step.name] = known.get(step.name) or due
            result.append(
                Step(
                    step.name,
                    step.label,
                    self._cite(step.clause),
                    step.after,
                    step.within,
                    due,
                    step.waivable,
                    step.owed,
                    step.officers,
                    step.forms,
                    step.roles,
                    step.note,
                    due is None or calendar.is_published(due),
                )
            )
        return result

    @staticmethod
    def _due(step: StepDef, start: dt.date | None, calendar: Calendar) -> dt.date | None:
        unit, count = step.within
        if start is None or not unit:
            return None
        if unit == "working_days":
            return calendar.add_working_days(start, count)
        if unit == "calendar_days":
            return calendar.add_calendar_days(start, count)
        return start + dt.timedelta(hours=count)

    def doubts(self, facts: list[Any]) -> list[dict[str, str]]:
        index = len(self.program.changes) - 1
        segment = self.segment(index)
        return [self.program.doubts[i].label for i in segment.doubts(segment.slots_for(facts))]


def load(name: str | Path, library: Library | None = None, calendar: Calendar | None = None) -> Rulebook:
    """A rulebook by id, division code, or path. Raises UnknownRulebook, or RulebookError with every problem found."""
    library = library or Library()
    book = library.find(str(name))
    program = build_program(library.effective(book))
    errors = [p for p in program.problems if not p.warning]
    if errors:
        raise RulebookError(errors)
    return Rulebook(program, calendar)
