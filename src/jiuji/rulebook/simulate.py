"""What a change of the standard would do to a caseload: recipients, cost, who gains and who loses.

Both rulebooks decide the same population in a batch; the two results are compared row by row in the database. The
report is a table, JSON, or one self-contained HTML page with charts (no script, no request outside).
"""

from __future__ import annotations

import datetime as dt
import html
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .batch import decide_batch, open_database, quoted
from .decision import Rulebook

Progress = Callable[[int, int], None]


def simulate(
    old: Rulebook, new: Rulebook, population: Path, *, on: dt.date | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Totals of both, their distribution by category, tier and township, and winners and losers (amounts in yuan).

    ``on``: decide every row as if it were applied for on that day, whatever the table says; so a standard that comes
    into force next year can be tried on last year's cases.
    """
    with tempfile.TemporaryDirectory(prefix="jiuji-simulate-") as folder:
        files = {"old": Path(folder) / "old.parquet", "new": Path(folder) / "new.parquet"}
        for number, (name, book) in enumerate((("old", old), ("new", new))):
            decide_batch(book, population, files[name], on=on, everywhere=on is not None, memory="1500MB")
            if progress:
                progress(number + 1, 3)
        report = _compare(files, old, new, on)
        if progress:
            progress(3, 3)
    return report


def _compare(files: dict[str, Path], old: Rulebook, new: Rulebook, on: dt.date | None) -> dict[str, Any]:
    db = open_database("1500MB")
    columns = [r[0] for r in db.execute(f"DESCRIBE SELECT * FROM read_parquet({quoted(files['old'])})").fetchall()]
    division = "old.division" if "division" in columns else "NULL"
    paid = "coalesce({0}.amount, {0}.range_most, 0)"
    db.execute(
        f"""CREATE TABLE paired AS SELECT old.result AS old_result, new.result AS new_result,
        coalesce(new.category, old.category) AS category, old.tier AS old_tier, new.tier AS new_tier,
        CAST({division} AS VARCHAR) AS division, {paid.format("old")} AS old_amount, {paid.format("new")} AS new_amount
        FROM read_parquet({quoted(files["old"])}) old POSITIONAL JOIN read_parquet({quoted(files["new"])}) new"""
    )
    out: dict[str, Any] = {"old": old.id, "new": new.id, "old_title": old.program.title, "new_title": new.program.title}
    totals = db.execute(
        """SELECT count(*), count(*) FILTER (old_result = 'granted'), count(*) FILTER (new_result = 'granted'),
        sum(old_amount), sum(new_amount), count(*) FILTER (old_result = 'undetermined'),
        count(*) FILTER (new_result = 'undetermined'), count(*) FILTER (old_result = 'invalid' OR new_result = 'invalid'),
        count(*) FILTER (new_amount > old_amount), count(*) FILTER (new_amount < old_amount),
        sum(new_amount - old_amount) FILTER (new_amount > old_amount), sum(old_amount - new_amount) FILTER (new_amount < old_amount),
        count(*) FILTER (old_result <> 'granted' AND new_result = 'granted'),
        count(*) FILTER (old_result = 'granted' AND new_result <> 'granted') FROM paired"""
    ).fetchone()
    assert totals is not None
    out["on"] = None if on is None else on.isoformat()
    out["households"] = totals[0]
    out["recipients"] = {"old": totals[1], "new": totals[2]}
    out["cost"] = {"old": _yuan(totals[3]), "new": _yuan(totals[4])}
    out["undetermined"] = {"old": totals[5], "new": totals[6]}
    out["invalid"] = totals[7]
    out["winners"] = {"households": totals[8], "gain": _yuan(totals[10]), "newly_granted": totals[12]}
    out["losers"] = {"households": totals[9], "loss": _yuan(totals[11]), "no_longer_granted": totals[13]}
    for key, column in (
        ("by_category", "category"),
        ("by_tier", "coalesce(new_tier, old_tier)"),
        ("by_division", "division"),
    ):
        rows = db.execute(
            f"""SELECT {column} AS k, count(*) FILTER (old_result = 'granted'), count(*) FILTER (new_result = 'granted'),
            sum(old_amount), sum(new_amount), count(*) FILTER (new_amount > old_amount), count(*) FILTER (new_amount < old_amount)
            FROM paired WHERE {column} IS NOT NULL AND (old_result = 'granted' OR new_result = 'granted') GROUP BY 1 ORDER BY 1"""
        ).fetchall()
        out[key] = [
            {
                "key": str(r[0]),
                "recipients": {"old": r[1], "new": r[2]},
                "cost": {"old": _yuan(r[3]), "new": _yuan(r[4])},
                "winners": r[5],
                "losers": r[6],
            }
            for r in rows
        ]
    edges = [0, 500, 1000, 2000, 5000, 10000, 20000, 50000]
    out["by_amount"] = []
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        above = f" AND {{0}}_amount <= {high}" if high is not None else ""
        counts = [
            db.execute(f"SELECT count(*) FROM paired WHERE {n}_amount > {low}{above.format(n)}").fetchone()[0]
            for n in ("old", "new")
        ]
        out["by_amount"].append({"above": low, "up_to": high, "old": counts[0], "new": counts[1]})
    db.close()
    return out


def _yuan(value: Any) -> str:
    return f"{value or 0:.2f}"


# --- the page -----------------------------------------------------------------------------------------

_CSS = """
:root{--ink:#17202a;--soft:#5b6773;--line:#dfe4ea;--old:#9db2c6;--new:#1f5f8b;--up:#1a7f4b;--down:#b3451f;--bg:#f5f7f9}
@media(prefers-color-scheme:dark){:root{--ink:#e7ecf1;--soft:#9aa7b4;--line:#33404d;--old:#5d748a;--new:#69b3e7;--up:#5fce94;--down:#f0936c;--bg:#141b22}}
body{font:15px/1.6 "Noto Sans SC","Source Han Sans SC","Microsoft YaHei","PingFang SC",sans-serif;color:var(--ink);background:var(--bg);margin:0 auto;max-width:1080px;padding:24px 20px}
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:28px 0 8px}p{color:var(--soft);margin:4px 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(148px,1fr));gap:12px;margin:18px 0}
.card{border:1px solid var(--line);border-radius:8px;padding:12px 14px}.card b{display:block;font-size:22px;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:6px 8px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:500}.wide{overflow-x:auto}
.up{color:var(--up)}.down{color:var(--down)}svg{width:100%;min-width:660px;height:auto;display:block}svg text{fill:var(--ink);font-size:12px}.key{color:var(--soft)}
@media print{body{background:#fff}}
"""


def to_html(report: dict[str, Any], lang: str = "zh", labels: dict[str, str] | None = None) -> str:
    """One self-contained page."""
    zh = lang == "zh"

    def t(chinese: str, english: str) -> str:
        return chinese if zh else english

    old, new = (html.escape(name) for name in names_of(report, lang))
    rows = []
    for key, title in (
        ("by_category", t("按类别", "By category")),
        ("by_tier", t("按档次", "By tier")),
        ("by_division", t("按苏木乡镇", "By township")),
    ):
        shown = labels or {}
        if key == "by_tier":
            shown = {r["key"]: t(f"{r['key']} 档", f"tier {r['key']}") for r in report[key]}
        if report[key]:
            rows.append(f"<h2>{title}</h2>{_bars(report[key], shown, zh)}{_table(report[key], shown, zh)}")
    basis = ""
    if report["on"]:
        basis = t(f"，按 {report['on']} 申请测算", f", as applied for on {report['on']}")
    if report["invalid"]:
        basis += t(
            f"；{report['invalid']:,} 户数据有误或不在标准施行期内，未计入",
            f"; {report['invalid']:,} rows left out (faulty, or outside the time of the standard)",
        )
    change = float(report["cost"]["new"]) - float(report["cost"]["old"])
    cards = [
        (t("户数", "Households"), f"{report['households']:,}", ""),
        (
            t("获救助户", "Recipients"),
            f"{report['recipients']['new']:,}",
            _signed(report["recipients"]["new"] - report["recipients"]["old"]),
        ),
        (t("支出（元）", "Cost (yuan)"), f"{float(report['cost']['new']):,.0f}", f"{change:+,.0f}".replace("-", "−")),
        (
            t("受益户", "Winners"),
            f"{report['winners']['households']:,}",
            f"+{float(report['winners']['gain']):,.0f}" if report["winners"]["households"] else "",
        ),
        (
            t("减少户", "Losers"),
            f"{report['losers']['households']:,}",
            f"−{float(report['losers']['loss']):,.0f}" if report["losers"]["households"] else "",
        ),
    ]
    boxes = "".join(
        f'<div class="card">{html.escape(a)}<b>{b}</b><span class="key">{c}</span></div>' for a, b, c in cards
    )
    amounts = [
        {
            "key": f"{a['above']:,}–{a['up_to']:,}" if a["up_to"] else f"> {a['above']:,}",
            "cost": {"old": a["old"], "new": a["new"]},
        }
        for a in report["by_amount"]
    ]
    return (
        f'<!doctype html><html lang="{"zh-CN" if zh else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{t("标准变动测算", "Simulation of a change")}</title>'
        f"<style>{_CSS}</style></head><body><h1>{t('标准变动测算', 'Simulation of a change of the standard')}</h1>"
        f"<p>{old} → {new}{basis}</p><p>{t('以合成或历史案件测算，仅供决策参考。', 'Computed on synthetic or past cases; for planning only.')}</p>"
        f'<div class="cards">{boxes}</div>{"".join(rows)}<h2>{t("按金额分布（户）", "By amount (households)")}</h2>{_bars(amounts, {}, zh)}'
        "</body></html>"
    )


def names_of(report: dict[str, Any], lang: str) -> tuple[str, str]:
    """The two standards by title, with their ids where the titles are the same."""
    old, new = (report[k].get(lang) or report[k].get("zh", "") for k in ("old_title", "new_title"))
    if old == new:
        old, new = (
            (f"{old}（{report['old']}）", f"{new}（{report['new']}）")
            if lang == "zh"
            else (f"{old} ({report['old']})", f"{new} ({report['new']})")
        )
    return old, new


def _signed(value: float) -> str:
    style = "up" if value > 0 else "down" if value < 0 else ""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return f'<span class="{style}">{sign}{abs(value):,.0f}</span>'


def _bars(rows: list[dict[str, Any]], labels: dict[str, str], zh: bool) -> str:
    most = max((float(r["cost"][k]) for r in rows for k in ("old", "new")), default=0) or 1
    height = 46 * len(rows) + 26
    parts = [f'<div class="wide"><svg viewBox="0 0 900 {height}" role="img">']
    for name, x, colour in ((("原标准" if zh else "old"), 190, "--old"), (("新标准" if zh else "new"), 290, "--new")):
        parts.append(
            f'<rect x="{x}" y="4" width="12" height="12" style="fill:var({colour})"/><text x="{x + 18}" y="14">{name}</text>'
        )
    for index, row in enumerate(rows):
        y = 26 + 46 * index
        label = html.escape(labels.get(row["key"], row["key"]))
        parts.append(f'<text x="180" y="{y + 22}" text-anchor="end">{label}</text>')
        for shift, key in ((0, "old"), (18, "new")):
            value = float(row["cost"][key])
            width = 560 * value / most
            parts.append(
                f'<rect x="190" y="{y + shift}" width="{width:.1f}" height="15" rx="2" style="fill:var(--{key})"/>'
            )
            parts.append(f'<text x="{198 + width:.1f}" y="{y + shift + 12}">{value:,.0f}</text>')
    return "".join(parts) + "</svg></div>"


def _table(rows: list[dict[str, Any]], labels: dict[str, str], zh: bool) -> str:
    heads = (
        ("", "原户数", "新户数", "原支出", "新支出", "受益户", "减少户")
        if zh
        else ("", "old recipients", "new recipients", "old cost", "new cost", "winners", "losers")
    )
    body = "".join(
        f"<tr><td>{html.escape(labels.get(r['key'], r['key']))}</td><td>{r['recipients']['old']:,}</td><td>{r['recipients']['new']:,}</td>"
        f"<td>{float(r['cost']['old']):,.0f}</td><td>{float(r['cost']['new']):,.0f}</td><td>{r['winners']:,}</td><td>{r['losers']:,}</td></tr>"
        for r in rows
    )
    return f'<div class="wide"><table><tr>{"".join(f"<th>{h}</th>" for h in heads)}</tr>{body}</table></div>'
