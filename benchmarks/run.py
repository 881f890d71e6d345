"""Speed and memory of the rulebook engine beside OpenFisca, zen-engine and a hand-fused loop, in one run.

    python benchmarks/run.py                  # everything but the 50-million-row file; rewrites results.md
    python benchmarks/run.py --part one       # one | batch | memory
    python benchmarks/run.py --rows 5000000 --memory-rows 50000000

Every comparison is made in interleaved rounds on the same households; the ratio of medians is what counts, because the
machine may be shared. All engines are held to the same answers first (rivals/verify.py).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from benchmarks.rivals import numba_rule, openfisca_rule, population, zen_rule  # noqa: E402

from jiuji.rulebook import load  # noqa: E402
from jiuji.rulebook.explain import trace_json  # noqa: E402
from jiuji.rulebook.kernel import Kernel  # noqa: E402

RESULTS = HERE / "results.json"


def rounds(work: dict[str, Callable[[], Any]], count: int) -> dict[str, list[float]]:
    """Seconds of each piece of work, interleaved; one warm-up round is thrown away."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for number in range(count + 1):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            if number:
                found[name].append(time.perf_counter() - start)
    return found


def spread(seconds: list[float], scale: float) -> dict[str, float]:
    return {
        "median": round(statistics.median(seconds) * scale, 2),
        "least": round(min(seconds) * scale, 2),
        "most": round(max(seconds) * scale, 2),
    }


def one_case(repeats: int = 40, count: int = 15) -> dict[str, Any]:
    """One decision with its full trace, in microseconds per case."""
    cases = population.cases(repeats, 4)
    rulebook = load("150199")

    def jiuji() -> None:
        for case in cases:
            rulebook.decide(case).trace  # noqa: B018 - the trace is built with the decision

    def jiuji_json() -> None:
        for case in cases:
            trace_json(rulebook.decide(case))

    missing = [
        {k: v for k, v in case.items() if k not in ("household_size", "granted_last_12_months")} for case in cases
    ]

    def jiuji_missing() -> None:
        for case in missing:
            rulebook.decide(case)

    seconds = rounds(
        {
            "jiuji, trace": jiuji,
            "jiuji, trace as nested JSON objects in both languages": jiuji_json,
            "jiuji, two facts missing": jiuji_missing,
            "OpenFisca, trace": lambda: [openfisca_rule.one(c, trace=True) for c in cases],
            "zen-engine, trace": lambda: [zen_rule.one(c, trace=True) for c in cases],
        },
        count,
    )
    scale = 1e6 / repeats
    figures = {name: spread(s, scale) for name, s in seconds.items()}
    mine = figures["jiuji, trace"]["median"]
    return {
        "unit": "µs per case",
        "figures": figures,
        "ratios": {
            "OpenFisca / jiuji (asked: at least 20)": round(figures["OpenFisca, trace"]["median"] / mine, 1),
            "zen-engine / jiuji (asked: above 1)": round(figures["zen-engine, trace"]["median"] / mine, 1),
        },
    }


def batch(rows: int, count: int = 7) -> dict[str, Any]:
    """Many households in memory, in millions a second; every output is summed so that nothing is left out."""
    import duckdb
    import pyarrow as pa

    from jiuji.rulebook.batch import batch_sql
    from jiuji.rulebook.population import as_table

    columns = population.columns(rows, 1)
    rulebook = load("150199")
    kernel = Kernel(rulebook.program)
    small = {k: v[:1000] for k, v in columns.items()}
    kernel.decide(small)
    kernel.decide(small, check=False)
    numba_rule.batch(small)

    named = {**columns, "household_id": np.arange(rows), "division": np.zeros(rows, dtype=np.int8)}
    table: pa.Table = as_table(named)
    connection = duckdb.connect()
    connection.register("arrow_population", table)
    connection.execute("CREATE TABLE households AS SELECT * FROM arrow_population")
    types = {r[0]: str(r[1]) for r in connection.execute("DESCRIBE households").fetchall()}
    query = batch_sql(rulebook, "households", types, set(types), None, stream=False)
    sums = "sum(amount), sum(tier), count(*) FILTER (result = 'granted'), count(authority), count(*) FILTER (special_panel), sum(len(reasons))"

    def total(out: dict[str, Any]) -> float:
        return float(sum(int(np.asarray(v).sum(dtype=np.int64)) for v in out.values()))

    work: dict[str, Callable[[], Any]] = {
        "jiuji kernel, rows checked": lambda: total(kernel.decide(columns)),
        "jiuji kernel": lambda: total(kernel.decide(columns, check=False)),
        "jiuji SQL on DuckDB": lambda: connection.execute(f"SELECT {sums} FROM ({query})").fetchall(),
        "hand-fused numba": lambda: total(numba_rule.batch(columns)),
        "OpenFisca, one thread": lambda: total(openfisca_rule.batch(columns, workers=1)),
        "OpenFisca, two threads": lambda: total(openfisca_rule.batch(columns, workers=2)),
    }
    seconds = rounds(work, count)
    figures = {}
    for name, s in seconds.items():
        rates = [rows / x / 1e6 for x in s]
        figures[name] = {
            "median": round(statistics.median(rates), 1),
            "least": round(min(rates), 1),
            "most": round(max(rates), 1),
        }
    openfisca = max(figures["OpenFisca, one thread"]["median"], figures["OpenFisca, two threads"]["median"])
    mine, fused = figures["jiuji kernel, rows checked"]["median"], figures["hand-fused numba"]["median"]
    return {
        "unit": "million households a second",
        "rows": rows,
        "figures": figures,
        "ratios": {
            "jiuji kernel, rows checked / OpenFisca's better (asked: at least 2)": round(mine / openfisca, 2),
            "jiuji kernel, rows checked / hand-fused (asked: at least 0.25)": round(mine / fused, 2),
            "jiuji SQL on DuckDB / OpenFisca's better": round(figures["jiuji SQL on DuckDB"]["median"] / openfisca, 2),
            "jiuji SQL on DuckDB / hand-fused": round(figures["jiuji SQL on DuckDB"]["median"] / fused, 2),
        },
    }


def memory(rows: int) -> dict[str, Any]:
    """Peak memory of ``jiuji decide-batch`` on a Parquet file, in MiB, and its rate."""
    jiuji = str(Path(sys.executable).with_name("jiuji"))
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="jiuji-bench-", dir=os.environ.get("JIUJI_BENCH_DIR")) as folder:
        source = Path(folder) / "population.parquet"
        subprocess.run(
            [jiuji, "population", str(source), "--rows", str(rows), "--seed", "1"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for engine in ("sql", "kernel"):
            target = Path(folder) / "decided.parquet"
            start = time.perf_counter()
            process = subprocess.Popen(
                [jiuji, "decide-batch", str(source), str(target), "--rulebook", "150199", "--engine", engine],
                stdout=subprocess.DEVNULL,
            )
            peak = 0
            watched = psutil.Process(process.pid)
            while process.poll() is None:
                try:
                    peak = max(peak, watched.memory_info().rss)
                except psutil.NoSuchProcess:
                    break
                time.sleep(0.05)
            if process.wait():
                raise SystemExit(f"decide-batch failed with {process.returncode}")
            took = time.perf_counter() - start
            figures[engine] = {
                "peak MiB": round(peak / 2**20),
                "seconds": round(took, 1),
                "million rows a second": round(rows / took / 1e6, 2),
            }
            target.unlink()
        size = source.stat().st_size / 2**30
    return {"rows": rows, "file GiB": round(size, 2), "figures": figures, "asked": "at most 2048 MiB"}


def machine() -> str:
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    gib = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores of {model}, {gib:.0f} GiB, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def write(results: dict[str, Any]) -> None:
    lines = ["# Measured", "", "Written by `make bench`. What is compared, and how: [README](README.md).", ""]
    for part, title in (
        ("one", "One decision with its full trace"),
        ("batch", "Many households in memory"),
        ("memory", "A Parquet file, streaming"),
    ):
        found = results.get(part)
        if not found:
            continue
        lines += [f"## {title}", "", f"{found['date']}, {found['machine']} (shared with other work).", ""]
        if part == "memory":
            lines += [
                f"{found['rows']:,} rows, {found['file GiB']} GiB; {found['asked']}.",
                "",
                "| engine | peak MiB | seconds | million rows a second |",
                "|---|---:|---:|---:|",
            ]
            lines += [
                f"| {n} | {f['peak MiB']} | {f['seconds']} | {f['million rows a second']} |"
                for n, f in found["figures"].items()
            ]
        else:
            rows = f", {found['rows']:,} households" if "rows" in found else ""
            lines += [f"In {found['unit']}{rows}.", "", "| | median | least | most |", "|---|---:|---:|---:|"]
            lines += [f"| {n} | {f['median']} | {f['least']} | {f['most']} |" for n, f in found["figures"].items()]
            lines += [
                "",
                "| ratio of medians | |",
                "|---|---:|",
                *(f"| {n} | {r} |" for n, r in found["ratios"].items()),
            ]
        lines.append("")
    notes = HERE / "notes.md"
    if notes.is_file():
        lines += [notes.read_text(encoding="utf-8").rstrip(), ""]
    (HERE / "results.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["one", "batch", "memory"], action="append")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--memory-rows", type=int, default=5_000_000)
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    work: dict[str, Callable[[], dict[str, Any]]] = {
        "one": one_case,
        "batch": lambda: batch(options.rows),
        "memory": lambda: memory(options.memory_rows),
    }
    for part in options.part or work:
        found = work[part]()
        found["date"], found["machine"] = dt.date.today().isoformat(), machine()
        results[part] = found
        print(part, json.dumps(found, ensure_ascii=False, indent=1))
        RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
        write(results)


if __name__ == "__main__":
    main()
