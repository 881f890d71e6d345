"""Finding rulebooks and laying the levels over one another: region → league → county.

A *book* is what one level wrote (one TOML file, perhaps with included files). An *effective rulebook* is the
chain of books from the top level down to the one asked for, merged key by key; every value remembers the book,
file and line that set it. A lower level may add what the rulebook's schema lets it add and may set or override
what the upper level has marked ``open``; anything else is a problem, never a silent override.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import shapes
from .errors import Problem, RulebookError, UnknownRulebook
from .source import Source, read

LEVELS = ("national", "region", "league", "county", "township")
BOOKS = Path(__file__).with_name("books")

#: Sections whose items are named tables, e.g. ``[quantity.own]``.
NAMED = (
    "fact",
    "parameter",
    "quantity",
    "table",
    "bands",
    "points",
    "category",
    "ground",
    "authority",
    "constraint",
    "doubt",
    "step",
)
#: Sections that stand once, e.g. ``[award]``.
SINGLE = ("award", "panel")
#: Sections that are lists, e.g. ``[[example]]``.
LISTS = ("document", "transition", "example")

#: What a lower level may add without being asked: definitions that by themselves decide nothing.
FREE_TO_ADD = ("fact", "parameter", "quantity", "table", "bands", "points", "constraint", "doubt", "step")
#: What may never be changed by a lower level, whatever is open.
FIXED = {"type", "unit", "clause", "track", "open", "gives", "inputs"}


@dataclass(frozen=True)
class Origin:
    """Who set a value: the book, and the file and line where it stands."""

    book: Book
    source: Source
    line: int

    def problem(self, zh: str, en: str, fix_zh: str = "", fix_en: str = "", *, warning: bool = False) -> Problem:
        return Problem(self.source.name, self.line, zh, en, fix_zh, fix_en, warning)


@dataclass(eq=False)
class Book:
    """What one level wrote."""

    id: str
    programme: str
    division: str
    level: str
    extends: str | None
    title: dict[str, str]
    document: str
    source: Source
    included: list[Source] = field(default_factory=list)

    @property
    def head(self) -> dict[str, Any]:
        head: dict[str, Any] = self.source.data.get("rulebook", {})
        return head

    @property
    def sources(self) -> list[Source]:
        return [*self.included, self.source]


@dataclass(eq=False)
class Item:
    """One merged definition: its keys, and the origin of each."""

    section: str
    name: str
    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    first: Origin = None  # type: ignore[assignment]

    def get(self, key: str, default: Any = None) -> Any:
        return self.data.get(key, default)

    def origin(self, *keys: str | int) -> Origin:
        """Where a key (or an element below it) was set."""
        base = self.origins.get(str(keys[0]), self.first) if keys else self.first
        path: tuple[str | int, ...] = (self.section, *_path(self.section, self.name))
        return Origin(base.book, base.source, base.source.line(*path, *keys))

    def label(self, lang: str = "zh") -> str:
        label = self.data.get("label")
        if isinstance(label, dict):
            return str(label.get(lang) or label.get("zh") or self.name)
        return self.name


def _path(section: str, name: str) -> tuple[str, ...]:
    return tuple(name.split(".", 1)) if section == "step" else (name,)


@dataclass(eq=False)
class Effective:
    """A chain of books, merged."""

    books: list[Book]
    items: dict[str, dict[str, Item]]
    lists: dict[str, list[tuple[dict[str, Any], Origin]]]
    problems: list[Problem]

    @property
    def book(self) -> Book:
        return self.books[-1]

    def named(self, section: str) -> dict[str, Item]:
        return self.items.get(section, {})

    def single(self, section: str) -> Item | None:
        return self.items.get(section, {}).get(section)


class Library:
    """All rulebooks below some folders (the shipped ones always), found by id, division code or path."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self.folders = [BOOKS, *folders]

    @functools.cached_property
    def books(self) -> dict[str, Book]:
        found: dict[str, Book] = {}
        for folder in self.folders:
            for path in sorted(folder.rglob("*.toml")):
                try:
                    source = read(path)
                except RulebookError:
                    continue
                if isinstance(source.data.get("rulebook"), dict) and "id" in source.data["rulebook"]:
                    book = open_book(source)
                    found.setdefault(book.id, book)
        return found

    def find(self, name: str) -> Book:
        """By id, by division code (``150199``, or ``150199:programme``), or by path of a TOML file.

        Raises UnknownRulebook, or RulebookError where a named file cannot be read.
        """
        if name in self.books:
            return self.books[name]
        division, _, programme = name.partition(":")
        for book in self.books.values():
            if book.division == division and book.programme == (programme or "temporary-assistance"):
                return book
        path = Path(name)
        if path.suffix == ".toml" or path.is_file():
            return self.open(path)
        known = "、".join(sorted(self.books))
        raise UnknownRulebook(
            f"没有名为 “{name}” 的救助标准。可用：{known}；也可以给出 .toml 文件的路径。",
            f"No rulebook answers to '{name}'. Known: {', '.join(sorted(self.books))}; or give the path of a .toml file.",
            key="rulebook",
        )

    def open(self, path: Path) -> Book:
        """A book from a file; its neighbours in the same folder can be extended by it."""
        source = read(path)
        book = open_book(source)
        if path.resolve().parent not in [f.resolve() for f in self.folders] and BOOKS not in path.resolve().parents:
            self.folders.append(path.resolve().parent)
            self.__dict__.pop("books", None)
        return book

    def chain(self, book: Book) -> list[Book]:
        """The books from the top level down to this one. Raises RulebookError for a missing or circular parent."""
        chain = [book]
        while chain[0].extends:
            parent = self.books.get(chain[0].extends)
            if parent is None or any(parent.id == b.id for b in chain):
                line = chain[0].source.line("rulebook", "extends")
                circular = parent is not None
                raise RulebookError(
                    [
                        Problem(
                            chain[0].source.name,
                            line,
                            f"上级标准 {chain[0].extends} {'形成循环' if circular else '不存在'}。",
                            f"The parent rulebook {chain[0].extends} {'leads back here' if circular else 'does not exist'}.",
                            f"请改为：{'、'.join(sorted(b for b in self.books if b != book.id))}。",
                            f"Use one of {', '.join(sorted(b for b in self.books if b != book.id))}.",
                        )
                    ]
                )
            chain.insert(0, parent)
        return chain

    def effective(self, book: Book) -> Effective:
        """Merge the chain of a book; what a level may not do is collected in ``problems``."""
        chain = self.chain(book)
        merged = Effective(chain, {}, {name: [] for name in LISTS}, [])
        for one in chain:
            for source in one.sources:
                _merge(merged, one, source)
        return merged


def open_book(source: Source) -> Book:
    """The head of a rulebook file. Raises RulebookError when it has none, or keys are missing or unknown."""
    head = source.data.get("rulebook")
    problems: list[Problem] = []
    if not isinstance(head, dict):
        raise RulebookError(
            [
                Problem(
                    source.name,
                    1,
                    "文件缺少 [rulebook] 表头。",
                    "The file has no [rulebook] table.",
                    "请写 id、division、level、title、document、from。",
                    "Give it id, division, level, title, document, from.",
                )
            ]
        )
    known = {"id", "programme", "division", "level", "extends", "title", "document", "from", "until", "date"}
    known |= {"include", "illustrative", "note", "no_category"}
    for key in head:
        if key not in known:
            problems.append(
                Problem(
                    source.name,
                    source.line("rulebook", key),
                    f"[rulebook] 没有键 {key}。",
                    f"[rulebook] has no key {key}.",
                    f"可用：{'、'.join(sorted(known))}。",
                    f"Use {', '.join(sorted(known))}.",
                )
            )
    for key, kind in shapes.misfits("rulebook", head):
        problems.append(
            Problem(source.name, source.line("rulebook", key), *shapes.words("rulebook", "rulebook", key, kind))
        )
    for key in ("id", "division", "level", "title", "document"):
        if key not in head:
            problems.append(
                Problem(
                    source.name,
                    source.line("rulebook"),
                    f"[rulebook] 缺少 {key}。",
                    f"[rulebook] lacks {key}.",
                    "请补上。",
                    "Add it.",
                )
            )
    if isinstance(head.get("level", ""), str) and head.get("level", "county") not in LEVELS:
        problems.append(
            Problem(
                source.name,
                source.line("rulebook", "level"),
                f"层级 {head.get('level')} 未知。",
                f"The level {head.get('level')} is not known.",
                f"可用：{'、'.join(LEVELS)}。",
                f"Use one of {', '.join(LEVELS)}.",
            )
        )
    included = []
    for name in [] if problems else head.get("include", []):
        try:
            included.append(read(source.path.parent / name))
        except RulebookError as error:
            problems.extend(error.problems)
    for one in [source, *included]:
        for section in one.data:
            if section not in (*NAMED, *SINGLE, *LISTS, "rulebook"):
                problems.append(
                    Problem(
                        one.name,
                        one.line(section),
                        f"没有名为 [{section}] 的部分。",
                        f"There is no section [{section}].",
                        f"可用：{'、'.join((*NAMED, *SINGLE, *LISTS))}。",
                        f"Use {', '.join((*NAMED, *SINGLE, *LISTS))}.",
                    )
                )
    if problems:
        raise RulebookError(problems)
    return Book(
        str(head["id"]),
        str(head.get("programme", "temporary-assistance")),
        str(head["division"]),
        str(head["level"]),
        head.get("extends"),
        head["title"] if isinstance(head["title"], dict) else {"zh": str(head["title"])},
        str(head["document"]),
        source,
        included,
    )


def _named_tables(section: str, data: Any) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    for name, value in data.items():
        if section == "step" and isinstance(value, dict):
            for step, inner in value.items():
                yield f"{name}.{step}", inner, (section, name, step)
        else:
            yield name, value, (section, name)


def _merge(merged: Effective, book: Book, source: Source) -> None:
    for section in (*NAMED, *SINGLE):
        block = source.data.get(section)
        if block is None:
            continue
        if not isinstance(block, dict):
            merged.problems.append(
                Problem(
                    source.name,
                    source.line(section),
                    f"[{section}] 应写成表。",
                    f"[{section}] must be a table.",
                    f"写成 [{section}.名称]。",
                    f"Write [{section}.name].",
                )
            )
            continue
        entries = [(section, block, (section,))] if section in SINGLE else list(_named_tables(section, block))
        for name, data, path in entries:
            here = Origin(book, source, source.line(*path))
            if not isinstance(data, dict):
                merged.problems.append(
                    here.problem(
                        f"[{section}.{name}] 应写成表。",
                        f"[{section}.{name}] must be a table.",
                        f"写成 [{section}.{name}] 加若干行。",
                        "Write it as a table header with keys below.",
                    )
                )
                continue
            _merge_item(merged, section, name, data, path, here)
    for section in LISTS:
        block = source.data.get(section, [])
        if not isinstance(block, list):
            merged.problems.append(
                Problem(
                    source.name,
                    source.line(section),
                    f"[[{section}]] 要用双方括号。",
                    f"[[{section}]] needs double brackets.",
                    f"写成 [[{section}]]。",
                    f"Write [[{section}]].",
                )
            )
            continue
        for index, data in enumerate(block):
            here = Origin(book, source, source.line(section, index))
            if isinstance(data, dict):
                merged.lists[section].append((_shaped(merged, section, data, here, (section, index)), here))
            else:
                merged.problems.append(
                    here.problem(
                        f"[[{section}]] 的每一项应写成表。",
                        f"Each [[{section}]] must be a table.",
                        f"写成 [[{section}]] 加若干行。",
                        f"Write [[{section}]] with keys below.",
                    )
                )


def _shaped(
    merged: Effective, section: str, data: dict[str, Any], here: Origin, path: tuple[str | int, ...]
) -> dict[str, Any]:
    """An element of a list section, without the keys that are unknown or of the wrong kind (these are reported)."""
    wrong = dict(shapes.misfits(section, data))
    known = shapes.known_keys(section)
    good = {}
    for key, value in data.items():
        place = Origin(here.book, here.source, here.source.line(*path, key))
        if key in wrong:
            merged.problems.append(place.problem(*shapes.words(section, "", key, wrong[key])))
        elif key not in known:
            merged.problems.append(
                place.problem(
                    f"[[{section}]] 没有键 {key}。",
                    f"[[{section}]] has no key {key}.",
                    f"可用：{'、'.join(known)}。",
                    f"Use {', '.join(known)}.",
                )
            )
        else:
            good[key] = value
    if section == "document" and "id" not in good:
        merged.problems.append(
            here.problem("[[document]] 缺少 id。", "A [[document]] lacks its id.", "请补上。", "Add it.")
        )
    return good


def _merge_item(
    merged: Effective, section: str, name: str, data: dict[str, Any], path: tuple[str, ...], here: Origin
) -> None:
    block = merged.items.setdefault(section, {})
    known = block.get(name)
    if known is None:
        parents = [
            b for b in merged.books if b is not here.book and merged.books.index(b) < merged.books.index(here.book)
        ]
        if parents and section not in FREE_TO_ADD:
            merged.problems.append(
                here.problem(
                    f"上级没有设 [{section}.{name}]，下级不能自行增设。",
                    f"The upper level has no [{section}.{name}]; a lower level may not add one.",
                    "请用上级标为 open 的类别或条款，或请上级修订。",
                    "Use a category or ground that the upper level marks open, or ask it to revise.",
                )
            )
        known = block[name] = Item(section, name, first=here)
        newly = True
    else:
        newly = False
    own = any(origin.book is here.book for origin in known.origins.values())
    wrong = dict(shapes.misfits(section, data))
    for key, value in data.items():
        origin = Origin(here.book, here.source, here.source.line(*path, key))
        if key in wrong:
            merged.problems.append(origin.problem(*shapes.words(section, name, key, wrong[key])))
            continue
        before = known.origins.get(key)
        inherited = not newly and before is not None and before.book is not here.book
        if inherited and before is not None and key in FIXED and key != "open":
            if value != known.data[key]:
                merged.problems.append(
                    origin.problem(
                        f"{name} 的 {key} 由上级（{before.book.id}）确定，不能改。",
                        f"The {key} of {name} is fixed by {before.book.id}.",
                        "请删去该行。",
                        "Remove the line.",
                    )
                )
            continue
        if not newly and not own and known.first.book is not here.book and not _may_set(known, here.book):
            merged.problems.append(
                origin.problem(
                    f"上级（{known.first.book.id}）没有开放 [{section}.{name}]，不能改写 {key}。",
                    f"{known.first.book.id} has not opened [{section}.{name}]: {key} may not be set here.",
                    '请删去该行，或请上级在该项写 open = "' + here.book.level + '"。',
                    'Remove the line, or ask the upper level to write open = "' + here.book.level + '" there.',
                )
            )
            continue
        known.data[key] = value
        known.origins[key] = origin


def _may_set(item: Item, book: Book) -> bool:
    opened = item.data.get("open")
    if opened not in LEVELS:
        return False
    return LEVELS.index(book.level) >= LEVELS.index(opened)
