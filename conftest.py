"""All tests, on SQLite; with ``JIUJI_TEST_ENGINE=postgres`` those that use the database, on PostgreSQL."""

import os

import pytest

POSTGRES = os.environ.get("JIUJI_TEST_ENGINE") == "postgres"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where no PostgreSQL answers, say so; under CI that is a failure."""
    if POSTGRES and not hasattr(session.config, "workerinput"):
        from tests.engines import why_not

        if reason := why_not("postgres"):
            pytest.exit(f"tests on PostgreSQL not run: {reason}", returncode=1 if os.environ.get("CI") else 0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if POSTGRES:
        uses = [i for i in items if i.get_closest_marker("django_db") or "db" in getattr(i, "fixturenames", ())]
        items[:] = uses
