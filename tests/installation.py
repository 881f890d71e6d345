"""An installation of its own: data folder, demo data, server on a free port. For browser tests and for the pictures."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
JIUJI = [sys.executable, "-m", "jiuji"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """``start`` makes the database and the demo data and serves; ``stop`` ends it. ``address`` has no final slash."""

    def __init__(self, folder: Path, households: int = 60, worker: bool = False) -> None:
        self.folder, self.households, self.worker = folder, households, worker
        self.environment = {**os.environ, "JIUJI_DEMO": "1", "JIUJI_DATA": str(folder), "PYTHONUNBUFFERED": "1"}
        self.environment["DJANGO_SETTINGS_MODULE"] = "jiuji.site.settings"
        self.environment.pop("DATABASE_URL", None)
        self.log = folder / "server.log"
        self.server: subprocess.Popen[bytes] | None = None
        self.address = ""

    def run(self, *arguments: str) -> str:
        done = subprocess.run([*JIUJI, *arguments], env=self.environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> Installation:
        self.run("migrate")
        self.run("demo", "--households", str(self.households))
        self.serve()
        return self

    def serve(self) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                [*JIUJI, "serve", "--port", str(port), *([] if self.worker else ["--no-worker"])],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(300):
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"{self.address}/healthz/", timeout=2)
                return
            assert self.server.poll() is None, self.log.read_text(encoding="utf-8")
            time.sleep(0.1)
        raise AssertionError("the server did not start: " + self.log.read_text(encoding="utf-8"))

    def stop(self) -> None:
        if self.server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.server.pid, 15)
            try:
                self.server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.server.pid, 9)
                self.server.wait()


@contextlib.contextmanager
def installation(**options: Any) -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="jiuji-installation-") as folder:
        made = Installation(Path(folder), **options)
        try:
            yield made.start()
        finally:
            made.stop()


def totp(secret: str, at: float | None = None) -> str:
    """The code of RFC 6238 (SHA-1, 30 seconds, six digits) for a base-32 secret."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    digest = hmac.new(key, struct.pack(">Q", int(time.time() if at is None else at) // 30), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"
