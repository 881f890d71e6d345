"""The start check: what must be true before anything is served (reliability.md, rule 9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.core import checks
from django.db import connection

from . import sqlite_driver


def faults() -> Iterator[str]:
    """Everything that forbids serving, in Chinese and English. An empty run means: serve."""
    yield from _sqlite() if connection.vendor == "sqlite" else _postgres()
    yield from _clock()
    if not settings.DEMO:
        for message in checks.run_checks(include_deployment_checks=True):
            if message.level >= checks.WARNING and not message.is_silenced():
                yield f"{message.id} {message.msg}"


def _sqlite() -> Iterator[str]:
    version = sqlite_driver.version()
    if version < sqlite_driver.SAFE:
        shown = ".".join(map(str, version))
        yield f"SQLite {shown} 有损坏数据的缺陷，须 3.51.3 以上。SQLite {shown} can corrupt data; 3.51.3 or later is needed."
    wanted = {"journal_mode": ("wal", "memory"), "synchronous": (2,), "mmap_size": (0, None), "foreign_keys": (1,)}
    with connection.cursor() as cursor:
        for name, good in wanted.items():
            row = cursor.execute(f"PRAGMA {name}").fetchone()
            found = row[0] if row else None
            if found not in good:
                yield f"SQLite 的 {name} 为 {found}，应为 {good[0]}。SQLite's {name} is {found}, not {good[0]}."
    if settings.DATABASES["default"].get("OPTIONS", {}).get("transaction_mode") != "IMMEDIATE":
        yield "SQLite 事务须为 IMMEDIATE。SQLite transactions must be IMMEDIATE."


def _postgres() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        if int(cursor.fetchone()[0]) < 150000:
            yield "PostgreSQL 须 15 以上。PostgreSQL 15 or later is needed."
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            cursor.execute(f"SHOW {name}")
            found = cursor.fetchone()[0]
            if found in ("off", "local") and not (name == "synchronous_commit" and found == "local"):
                yield f"PostgreSQL 的 {name} 为 {found}。{name} of PostgreSQL is {found}."
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        superuser, bypass = cursor.fetchone()
        if (superuser or bypass) and not settings.DEMO:
            yield (
                "应用不得以超级用户或绕过行级安全的角色连接。"
                "The application must not connect as a superuser or with a role that bypasses row security."
            )


def _clock() -> Iterator[str]:
    from jiuji.audit.models import ChainHead
    from jiuji.audit.services import database_now

    if ChainHead._meta.db_table not in connection.introspection.table_names():
        return
    last = ChainHead.objects.order_by("-recorded_at").values_list("recorded_at", flat=True).first()
    if last is not None and database_now() < last - dt.timedelta(seconds=2):
        yield (
            f"时钟比最后一条记录（{last.isoformat()}）慢，请先校准。"
            f"The clock is behind the last record ({last.isoformat()}); set it right first."
        )
