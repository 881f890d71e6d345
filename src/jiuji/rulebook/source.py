"""Reading a rulebook's TOML with the line of every key, so that each error can name its place.

The standard reader gives the values; this module finds the lines by walking the same text: a header
``[quantity.own]`` or a key ``formula = …`` is noted under its full path, and the elements of a list written
one to a line under ``path + (index,)``.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import Problem, RulebookError, short_path

KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*(?:\.|$)""")


@dataclass
class Source:
    """One TOML file: its data and the line of each key path."""

    path: Path
    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return short_path(self.path)

    def line(self, *keys: str | int) -> int:
        """The line of a key path, or of the nearest enclosing path that has one."""
        path: KeyPath = keys
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return 1


def read(path: Path) -> Source:
    """Read one TOML file. Raises RulebookError naming the line where the syntax breaks."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise RulebookError(
            [
                Problem(
                    short_path(path),
                    line,
                    "文件不是 UTF-8 编码。",
                    "The file is not UTF-8.",
                    "请另存为 UTF-8 后重试。",
                    "Save it as UTF-8 and try again.",
                )
            ]
        ) from None
    except OSError as error:
        raise RulebookError(
            [
                Problem(
                    short_path(path),
                    1,
                    f"无法读取文件：{error.strerror}。",
                    f"The file cannot be read: {error.strerror}.",
                    "请核对路径和权限。",
                    "Check the path and its permissions.",
                )
            ]
        ) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = re.search(r"line (\d+)", str(error))
        line = int(said.group(1)) if said else text.count("\n") + 1
        raise RulebookError(
            [
                Problem(
                    short_path(path),
                    line,
                    f"TOML 语法错误：{error}。",
                    f"TOML syntax error: {error}.",
                    "请检查该行的引号、括号、等号，以及是否重复写了同一个键。",
                    "Check the quotes, brackets and equals sign of that line, and whether a key stands twice.",
                )
            ]
        ) from None
    return Source(path, data, _lines(text))


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(m.group(1).strip("\"'") for m in _PART.finditer(dotted))


def _lines(text: str) -> dict[KeyPath, int]:
    found: dict[KeyPath, int] = {}
    prefix: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    inside: KeyPath | None = None  # the list that spans lines, and how deep its brackets stand
    depth = element = 0
    quoted: str | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        if quoted:
            if quoted in raw:
                quoted = None
            continue
        line = _without_strings(raw)
        if inside is not None:
            if depth == 1 and line.strip() and line.strip()[0] not in "#],":
                found[(*inside, element)] = number
                element += 1
            depth += sum(line.count(c) for c in "[{") - sum(line.count(c) for c in "]}")
            if depth <= 0:
                inside = None
            continue
        header = _HEADER.match(raw)
        if header and "=" not in line.split("]")[0]:
            parts: KeyPath = _split(header.group(2))
            if header.group(1) == "[[":
                index = counts.get(parts, 0)
                counts[parts] = index + 1
                parts = (*parts, index)
            else:
                parts = _inside_last(parts, counts)
            prefix = parts
            for end in range(1, len(prefix) + 1):
                found.setdefault(prefix[:end], number)
            continue
        key = _KEY.match(raw)
        if key:
            path: KeyPath = (*prefix, *_split(key.group(1)))
            for end in range(len(prefix) + 1, len(path) + 1):
                found.setdefault(path[:end], number)
            value = line.split("=", 1)[1] if "=" in line else ""
            rest = raw[key.end() :].strip()
            for mark in ('"""', "'''"):
                if rest.startswith(mark) and mark not in rest[3:]:
                    quoted = mark
            depth = sum(value.count(c) for c in "[{") - sum(value.count(c) for c in "]}")
            if depth > 0:
                inside, element = path, 0
    return found


def _inside_last(parts: KeyPath, counts: dict[KeyPath, int]) -> KeyPath:
    """``[a.b]`` below ``[[a]]`` means the last element of ``a``."""
    for end in range(1, len(parts)):
        if parts[:end] in counts:
            return (*parts[:end], counts[parts[:end]] - 1, *parts[end:])
    return parts


def _without_strings(line: str) -> str:
    """The line with quoted text and comments blanked, so that brackets can be counted."""
    out, mark = [], ""
    for char in line:
        if mark:
            out.append(" ")
            if char == mark:
                mark = ""
        elif char in "\"'":
            mark = char
            out.append(" ")
        elif char == "#":
            break
        else:
            out.append(char)
    return "".join(out)
