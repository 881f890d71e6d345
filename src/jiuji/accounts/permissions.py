"""Reading the permission table, and the one question asked of it."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .models import ROLES

TABLE = Path(__file__).with_name("permissions.toml")
ANYONE, USER = "anyone", "user"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Verb:
    name: str
    zh: str
    en: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Table:
    """The verbs, and for each route the verb that a method needs."""

    verbs: dict[str, Verb]
    routes: dict[str, dict[str, str]]

    def may(self, role: str, verb: str) -> bool:
        """Whether a role may do something at all (where, its division says)."""
        return role in self.verbs[verb].roles

    def needed(self, route: str, method: str) -> str | None:
        """The verb (or ``anyone``, ``user``) that a route needs; None where the table does not name it."""
        return self.routes.get(route, {}).get("GET" if method in ("HEAD", "OPTIONS") else method)


@functools.cache
def table() -> Table:
    """The table as shipped. Raises ValueError where it contradicts itself."""
    data = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    known = {name for name, _ in ROLES}
    verbs = {}
    for name, entry in data["verb"].items():
        if strange := set(entry["roles"]) - known:
            raise ValueError(f"{name}: unknown roles {sorted(strange)}")
        verbs[name] = Verb(name, entry["zh"], entry["en"], frozenset(entry["roles"]))
    routes: dict[str, dict[str, str]] = {}
    for route, needs in data["route"].items():
        routes[route] = {"GET": needs} if isinstance(needs, str) else dict(needs)
        for method, verb in routes[route].items():
            if method not in METHODS or (verb not in verbs and verb not in (ANYONE, USER)):
                raise ValueError(f"{route}: {method} {verb}")
    return Table(verbs, routes)


def as_markdown() -> str:
    """The table for the docs: a row for each verb, a column for each role."""
    from django.utils.translation import override

    with override("zh-hans"):
        heads = [str(label) for _, label in ROLES]
    lines = [
        "# 权限表 Permissions",
        "",
        "由 `src/jiuji/accounts/permissions.toml` 生成（`jiuji permissions`）。每项权限只在所任角色的辖区及以下有效。"
        " Made from the table by `jiuji permissions`; each holds within the division of the role and below.",
        "",
        "| | | " + " | ".join(heads) + " |",
        "|---|---|" + "---|" * len(heads),
    ]
    for verb in table().verbs.values():
        marks = ["●" if name in verb.roles else "" for name, _ in ROLES]
        lines.append(f"| {verb.zh} {verb.en} | `{verb.name}` | " + " | ".join(marks) + " |")
    lines += ["", "## 地址 Routes", "", "| route | GET | POST |", "|---|---|---|"]
    for route, needs in sorted(table().routes.items()):
        lines.append(f"| `{route}` | {needs.get('GET', '—')} | {needs.get('POST', '—')} |")
    return "\n".join(lines) + "\n"
