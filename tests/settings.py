"""Settings of the tests: the demo settings over a folder and a database of this process's own.

``JIUJI_TEST_ENGINE=postgres`` runs the same tests on PostgreSQL (``JIUJI_TEST_POSTGRES`` tells where it answers).
"""

import atexit
import os
import shutil
import tempfile

os.environ["JIUJI_DEMO"] = "1"
os.environ["JIUJI_DATA"] = tempfile.mkdtemp(prefix="jiuji-tests-")
atexit.register(shutil.rmtree, os.environ["JIUJI_DATA"], ignore_errors=True)
if os.environ.get("JIUJI_TEST_ENGINE") != "postgres":
    os.environ.pop("DATABASE_URL", None)
else:
    import psycopg

    at = psycopg.conninfo.conninfo_to_dict(os.environ.get("JIUJI_TEST_POSTGRES", "dbname=postgres"))
    who = ":".join(str(at[k]) for k in ("user", "password") if k in at)
    where = ":".join(str(at[k]) for k in ("host", "port") if k in at)
    os.environ["DATABASE_URL"] = f"postgres://{who}{'@' if who else ''}{where}/{at['dbname']}"

from jiuji.site.settings import *  # noqa: E402, F403

# Argon2 as in use would take most of the tests' time; what it protects is tested with the real hasher.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]  # noqa: F405
