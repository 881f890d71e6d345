"""Random valid rulebooks, and random cases for them: what the compilers are held together by."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

HEAD = """
[rulebook]
id = "{id}"
division = "150199"
level = "region"
title = {{ zh = "随机", en = "random" }}
document = "doc"
from = 2024-01-01
date = "applied_on"
no_category = "9"

[[document]]
id = "doc"
title = {{ zh = "文件", en = "document" }}
clauses = {{ "1" = "a", "2" = "b", "2.1" = "c", "2.10" = "d", "2.2" = "e", "3" = "f", "9" = "g" }}
"""
LABEL = 'label = { zh = "项", en = "item" }'
FACT = LABEL + '\nask = { zh = "问", en = "ask" }'


class Maker:
    """One rulebook from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.text: list[str] = [HEAD.format(id=f"random-{seed}")]
        self.facts: dict[str, dict[str, Any]] = {}
        self.numbers = {"yuan": [], "person": [], "ratio": []}  # type: dict[str, list[str]]
        self.booleans: list[str] = []
        self.enums: list[str] = []
        self.count = 0

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def add(self, header: str, *lines: str) -> None:
        self.text.append(f"[{header}]\n" + "\n".join(lines) + "\n")

    def build(self) -> str:
        rng = self.rng
        self.add("fact.applied_on", 'type = "date"', FACT)
        for _ in range(rng.randint(2, 4)):
            self.fact("money")
        for _ in range(rng.randint(1, 3)):
            self.fact("integer")
        for _ in range(rng.randint(1, 3)):
            self.fact("boolean")
        for _ in range(rng.randint(1, 2)):
            self.fact("enum")
        if rng.random() < 0.4:
            self.facts["event_on"] = {"kind": "date"}
            self.add("fact.event_on", 'type = "date"', FACT)
        for _ in range(rng.randint(2, 4)):
            self.parameter("yuan")
        self.parameter("person")
        self.parameter("ratio", low=0, high=1)
        for _ in range(rng.randint(2, 5)):
            rng.choice([self.number, self.number, self.truth, self.table, self.bands, self.points])()
        if "event_on" in self.facts and rng.random() < 0.7:
            self.text.append(
                "[[transition]]\nat = 2025-07-01\nuntil = 2026-03-31\nwhen = \"event_on < '2025-07-01'\"\n"
            )
        self.categories()
        return "\n".join(self.text)

    def fact(self, kind: str) -> None:
        rng = self.rng
        name = self.name(kind[0])
        lines = [f'type = "{kind}"', FACT]
        spec: dict[str, Any] = {"kind": kind}
        if kind == "integer":
            lines += ['unit = "person"', "max = 9"]
            self.numbers["person"].append(name)
        elif kind == "money":
            lines.append("max = 100000")
            self.numbers["yuan"].append(name)
        elif kind == "boolean":
            self.booleans.append(name)
            if rng.random() < 0.3:
                lines.append("default = false")
                spec["default"] = False
        else:
            values = ["alpha", "beta", "gamma"]
            lines.append("values = { " + ", ".join(f'{v} = {{ zh = "{v}", en = "{v}" }}' for v in values) + " }")
            spec["values"] = values
            self.enums.append(name)
        self.facts[name] = spec
        self.add(f"fact.{name}", *lines)

    def parameter(self, unit: str, low: int = 0, high: int = 40000) -> None:
        rng = self.rng
        name = self.name("par")
        values = []
        for since in ["2024-01-01", *rng.sample(["2025-01-01", "2025-07-01", "2026-01-01"], rng.randint(0, 2))]:
            if unit == "ratio":
                value = rng.choice(["0.1", "0.25", "0.333", "0"])
            elif unit == "person":
                value = str(rng.randint(0, 6))
            else:
                value = rng.choice([str(rng.randint(low, high)), f"{rng.randint(low, high)}.{rng.randint(10, 99)}"])
            values.append(f'{{ from = {since}, value = {value}, source = "doc §1" }}')
        self.numbers[unit].append(name)
        self.add(f"parameter.{name}", f'unit = "{unit}"', LABEL, 'clause = "1"', f"values = [{', '.join(values)}]")

    # --- formulas ---

    def num(self, unit: str = "yuan", depth: int = 2) -> str:
        rng = self.rng
        if depth <= 0 or rng.random() < 0.25:
            return rng.choice(self.numbers[unit])
        pick = rng.randint(0, 6)
        if pick == 0:
            return f"({self.num(unit, depth - 1)} + {self.num(unit, depth - 1)})"
        if pick == 1:
            return f"({self.num(unit, depth - 1)} - {self.num(unit, depth - 1)})"
        if pick == 2:
            return f"least({self.num(unit, depth - 1)}, {self.num(unit, depth - 1)})"
        if pick == 3:
            return f"greatest({self.num(unit, depth - 1)}, 0)"
        if pick == 4 and unit != "person":
            return f"{self.num('ratio', 0)} * {self.num(unit, depth - 1)}" if unit == "yuan" else self.num(unit, 0)
        if pick == 5 and unit == "yuan":
            mode, to = rng.choice(["half_up", "down", "up"]), rng.choice(["yuan", "fen", "ten_yuan"])
            return f"round_{mode}({self.num(unit, depth - 1)}, '{to}')"
        return f"CASE WHEN {self.cond(depth - 1)} THEN {self.num(unit, depth - 1)} ELSE {self.num(unit, depth - 1)} END"

    def cond(self, depth: int = 2) -> str:
        rng = self.rng
        pick = rng.randint(0, 7)
        if pick <= 1:
            return rng.choice(self.booleans)
        if pick == 2:
            names = ", ".join(f"'{v}'" for v in rng.sample(["alpha", "beta", "gamma"], rng.randint(1, 2)))
            return f"{rng.choice(self.enums)} IN ({names})"
        if pick <= 4 or depth <= 0:
            unit = rng.choice(["yuan", "person"])
            op = rng.choice(["<", "<=", ">", ">=", "=", "<>"])
            return f"{self.num(unit, max(depth - 1, 0))} {op} {self.num(unit, 0)}"
        if pick == 5:
            return f"NOT ({self.cond(depth - 1)})"
        word = rng.choice([" AND ", " OR "])
        return "(" + word.join(self.cond(depth - 1) for _ in range(rng.randint(2, 3))) + ")"

    def number(self) -> None:
        unit = self.rng.choice(["yuan", "yuan", "person"])
        name = self.name("q")
        self.add(f"quantity.{name}", LABEL, 'clause = "2"', f'unit = "{unit}"', f'formula = "{self.num(unit)}"')
        self.numbers[unit].append(name)

    def truth(self) -> None:
        name = self.name("q")
        self.add(f"quantity.{name}", LABEL, 'clause = "2"', f'formula = "{self.cond()}"')
        self.booleans.append(name)

    def table(self) -> None:
        rng = self.rng
        name = self.name("tab")
        rows = []
        for _ in range(rng.randint(1, 3)):
            when = []
            if rng.random() < 0.7:
                low = rng.randint(0, 30000)
                when.append(f'"{rng.choice(self.numbers["yuan"])}" = "{rng.choice([">= ", "< ", "> ", "<= "])}{low}"')
            if rng.random() < 0.5:
                when.append(f"{rng.choice(self.booleans)} = {rng.choice(['true', 'false'])}")
            if rng.random() < 0.5:
                when.append(f'{rng.choice(self.enums)} = "{rng.choice(["alpha", "beta | gamma"])}"')
            rows.append((when, rng.randint(0, 5000)))
        rows.append(([], rng.randint(0, 900)))
        body = ", ".join(f"{{ when = {{ {', '.join(dict.fromkeys(w))} }}, amount = {a} }}" for w, a in rows)
        self.add(
            f"table.{name}", LABEL, 'clause = "2"', 'hit = "first"', 'gives = { amount = "yuan" }', f"rows = [{body}]"
        )
        self.numbers["yuan"].append(f"{name}.amount")

    def bands(self) -> None:
        rng = self.rng
        name = self.name("band")
        edges = sorted(rng.sample(range(100, 50000), rng.randint(1, 3)))
        rows = [f"{{ up_to = {e}, rate = {rng.choice(['0.1', '0.25', '0.05'])} }}" for e in edges] + ["{ rate = 0.4 }"]
        lines = [LABEL, 'clause = "2"', f'of = "{rng.choice(self.numbers["yuan"])}"', f"rows = [{', '.join(rows)}]"]
        if rng.random() < 0.5:
            lines.append(f'from = "{rng.choice(self.numbers["yuan"])}"')
        self.add(f"bands.{name}", *lines)
        self.numbers["yuan"].append(name)

    def points(self) -> None:
        rng = self.rng
        name = self.name("score")
        rows = [f'{{ when = "{self.cond(1)}", points = {rng.randint(1, 5)} }}' for _ in range(rng.randint(1, 3))]
        self.add(f"points.{name}", LABEL, 'clause = "2"', f"rows = [{', '.join(rows)}]")
        limit = self.name("par")
        value = f'{{ from = 2024-01-01, value = {rng.randint(1, 6)}, source = "doc" }}'
        self.add(f"parameter.{limit}", 'unit = "point"', LABEL, 'clause = "1"', f"values = [{value}]")
        truth = self.name("q")
        self.add(f"quantity.{truth}", LABEL, 'clause = "2"', f'formula = "{name} >= {limit}"')
        self.booleans.append(truth)

    # --- the decision ---

    def categories(self) -> None:
        rng = self.rng
        tracks = ["emergency", "expenditure"]
        best = rng.random() < 0.3
        clauses = rng.sample(["2", "2.1", "2.10", "2.2", "3"], rng.randint(1, 4))
        enum = self.enums[0]
        for index, clause in enumerate(clauses):
            applies = (
                self.cond(1) if best or rng.random() < 0.5 else f"{enum} = '{['alpha', 'beta', 'gamma'][index % 3]}'"
            )
            lines = [f'clause = "{clause}"', f'track = "{rng.choice(tracks)}"', LABEL, f'applies = "{applies}"']
            if rng.random() < 0.8:
                lines.append(f'condition = "{self.cond()}"')
            if rng.random() < 0.7:
                lines.append(f"tier = {rng.randint(1, 3)}")
            if rng.random() < 0.2 and not best:
                least = self.num("yuan", 0)
                lines += [f'least = "{least}"', f'most = "{least} + greatest({self.num("yuan", 1)}, 0)"']
            else:
                lines.append(f'amount = "{self.num()}"')
            self.add(f"category.c{index}", *lines)
        formula = rng.choice(
            [
                "round_half_up(amount, 'yuan')",
                f"least(round_down(amount, 'fen'), round_down({self.num('yuan', 0)}, 'fen'))",
            ]
        )
        self.add("award", LABEL, 'clause = "3"', f'formula = "{formula}"', f'choose = "{"best" if best else "first"}"')
        if rng.random() < 0.7:
            self.add("ground.g1", LABEL, 'clause = "1"', f'when = "{self.cond(1)}"')
        if rng.random() < 0.5:
            self.add("ground.g2", LABEL, 'clause = "2.2"', 'track = "expenditure"', f'when = "{self.cond()}"')
        if rng.random() < 0.7:
            self.add("ground.g3", LABEL, 'clause = "3"', 'about = "award"', f'when = "award < {self.num("yuan", 0)}"')
        for track in tracks:
            rows = f'[{{ up_to = "{self.num("yuan", 0)}", decides = "township" }}, {{ decides = "county" }}]'
            self.add(
                f"authority.{track}",
                LABEL,
                'clause = "1"',
                f"rows = {rows}",
                f'refusal = "{rng.choice(["township", "county"])}"',
            )
        if rng.random() < 0.5:
            self.add("panel", LABEL, 'clause = "1"', f'when = "{self.cond(1)}"', 'unless_refused_under = ["1"]')

    # --- cases ---

    def case(self, rng: random.Random, missing: float = 0.0) -> dict[str, Any]:
        case: dict[str, Any] = {
            "applied_on": rng.choice(
                ["2024-01-01", "2025-06-30", "2025-07-01", "2025-12-31", "2026-02-02", "2026-05-05"]
            )
        }
        for name, spec in self.facts.items():
            if rng.random() < missing:
                case[name] = None
            elif spec["kind"] == "money":
                case[name] = (
                    f"{rng.choice([0, rng.randint(0, 50000), rng.randint(0, 5000)])}.{rng.choice(['00', '50', '37'])}"
                )
            elif spec["kind"] == "integer":
                case[name] = rng.randint(0, 9)
            elif spec["kind"] == "boolean":
                case[name] = rng.random() < 0.5
            elif spec["kind"] == "date":
                case[name] = rng.choice(["2025-01-01", "2025-06-30", "2025-07-01", "2026-01-01"])
            else:
                case[name] = rng.choice(spec["values"])
        return case


def write(seed: int, folder: Path) -> tuple[Maker, Path]:
    maker = Maker(seed)
    path = folder / f"random-{seed}.toml"
    path.write_text(maker.build(), encoding="utf-8")
    return maker, path
