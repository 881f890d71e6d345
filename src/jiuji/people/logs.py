"""Nothing personal in a log: numbers that could be an identity, a telephone or an account are blotted out."""

from __future__ import annotations

import logging
import re

_NUMBERS = re.compile(r"(?<![0-9A-Za-z-])(?:[1-9]\d{16}[\dXx]|\d{12,19}|1[3-9]\d{9})(?![0-9A-Za-z-])")


def blotted(text: str) -> str:
    return _NUMBERS.sub(lambda m: m.group(0)[:3] + "*" * (len(m.group(0)) - 3), text)


class NoPersonalData(logging.Filter):
    """Blots the message and its arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = blotted(record.getMessage())
        record.args = ()
        return True
