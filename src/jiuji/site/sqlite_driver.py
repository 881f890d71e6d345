"""SQLite that does not lose or corrupt what it has acknowledged.

Debian 12's own SQLite (3.40) is within the range of the WAL-reset corruption fault (3.7.0 to 3.51.2, with two or more
connections). So the driver is ``pysqlite3``, which carries its own SQLite, put in the standard module's place before
Django looks for it. Source: reliability.md, rules 1 and 2.
"""

from __future__ import annotations

import sys

SAFE = (3, 51, 3)
#: FULL, because with NORMAL a power cut loses acknowledged writes; no mmap; foreign keys on.
PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=0; PRAGMA foreign_keys=ON; "
    "PRAGMA busy_timeout=20000; PRAGMA trusted_schema=OFF;"
)
OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": PRAGMAS}


def install() -> None:
    """Put pysqlite3 in the place of the standard sqlite3 module."""
    import pysqlite3
    from pysqlite3 import dbapi2

    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = dbapi2


def version() -> tuple[int, ...]:
    import sqlite3

    return sqlite3.sqlite_version_info
