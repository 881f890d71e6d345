"""Every rival decides the same: random cases and the benchmark's population against `tests/oracle.py`.

    python -m benchmarks.rivals.verify [--cases 3000] [--seed 1]

Prints one line for each rival and the first differences. Exit code 1 on any difference.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.rivals import (  # noqa: E402
    numba_rule,
    openfisca_rule,
    population,
    zen_rule,
)
from tests import oracle  # noqa: E402

Case = dict[str, Any]
Engine = Callable[[list[Case]], Iterator[Case]]


def _each(one: Callable[[Case], Case]) -> Engine:
    def decide(cases: list[Case]) -> Iterator[Case]:
        for case in cases:
            decision = one(case)
            if not decision.pop("trace"):
                raise AssertionError("no trace")
            yield decision

    return decide


def _all(batch: Callable[[population.Columns], population.Columns]) -> Engine:
    def decide(cases: list[Case]) -> Iterator[Case]:
        decided = batch(population.encode(cases))
        return (population.decode(decided, i) for i in range(len(cases)))

    return decide


RIVALS: dict[str, Engine] = {
    "OpenFisca, one case": _each(openfisca_rule.one),
    "OpenFisca, batch": _all(openfisca_rule.batch),
    "OpenFisca, batch in slices": _all(lambda columns: openfisca_rule.batch(columns, rows=700, workers=2)),
    "zen, one case": _each(zen_rule.one),
    "zen, one case by create_decision": _each(zen_rule.one_by_decision),
    "numba, batch": _all(numba_rule.batch),
}


def differences(rival: Engine, cases: list[Case], expected: list[Case]) -> Iterator[str]:
    """Each case on which the rival and the oracle do not agree in every output."""
    for case, right, found in zip(cases, expected, rival(cases), strict=True):
        if found != right:
            wrong = {key: found[key] for key in right if found[key] != right[key]}
            yield f"{case}\n  oracle {right}\n  rival  {wrong}"


def refuses_early_date(rival: Engine, case: Case) -> bool:
    """Before the county has a standard the answer is an error, never a figure."""
    try:
        list(rival([case | {"applied_on": "2023-12-31"}]))
    except ValueError:
        return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=3000, help="random cases for each rival")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    rng = random.Random(options.seed)
    cases = [oracle.random_case(rng) for _ in range(options.cases)]
    cases += population.cases(500, options.seed)
    cases += population.cases(500, options.seed, used_only=True)
    expected = [oracle.decide(case) for case in cases]

    failed = False
    for name, rival in RIVALS.items():
        found = list(differences(rival, cases, expected))
        early = refuses_early_date(rival, cases[0])
        failed |= bool(found) or not early
        print(f"{name}: {len(cases)} cases, {len(found)} differences")
        if not early:
            print("  decides a case of 2023-12-31, before the standard")
        for difference in found[:3]:
            print(difference)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
