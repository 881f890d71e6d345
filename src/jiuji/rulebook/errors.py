"""Errors that a policy officer or a clerk can act on: what is wrong, where, and what to do, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Problem:
    """One finding about a rulebook: its place, what is wrong, what to do."""

    file: str
    line: int
    zh: str
    en: str
    fix_zh: str = ""
    fix_en: str = ""
    warning: bool = False

    def text(self, lang: str = "zh") -> str:
        """``file:line: what. what to do`` in one language."""
        said, fix = (self.zh, self.fix_zh) if lang == "zh" else (self.en, self.fix_en)
        arrow = "　处理：" if lang == "zh" else "  What to do: "
        return f"{self.file}:{self.line}: {said}{arrow + fix if fix else ''}"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: "
        chinese = self.zh + (f" 处理：{self.fix_zh}" if self.fix_zh else "")
        english = self.en + (f" What to do: {self.fix_en}" if self.fix_en else "")
        return f"{place}{chinese}\n{' ' * 4}{english}"


class JiujiError(Exception):
    """An error with a Chinese and an English text; ``str`` gives both."""

    def __init__(self, zh: str, en: str, *, key: str | None = None) -> None:
        super().__init__(zh, en)
        self.zh = zh
        self.en = en
        self.key = key

    def __str__(self) -> str:
        return f"{self.zh}\n{self.en}"


class CaseError(JiujiError):
    """A case that cannot be read: names the key and the remedy."""


class UnknownRulebook(JiujiError):
    """No rulebook answers to the name that was given."""


class NotInForce(CaseError):
    """The date that counts lies outside the time for which the rulebook has a standard."""


class RulebookError(JiujiError):
    """A rulebook that cannot be used; carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__(
            "\n".join(p.text("zh") for p in self.problems),
            "\n".join(p.text("en") for p in self.problems),
        )

    def __str__(self) -> str:
        return "\n".join(str(p) for p in self.problems)


def short_path(path: Path) -> str:
    """A path as a reader would type it: relative to the working directory where it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
