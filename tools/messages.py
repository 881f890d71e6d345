"""The English of the screens: gathers what is to be translated, compiles it, says what is still missing.

    python tools/messages.py update    # new texts into django.po, texts that are gone out of it
    python tools/messages.py compile   # django.po → django.mo, which is committed beside it
    python tools/messages.py missing   # prints what has no English; exits 1 where there is any

The source texts are Chinese, in the templates and in the code.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

SOURCE = Path(__file__).resolve().parents[1] / "src" / "jiuji"
PO = SOURCE / "web" / "locale" / "en" / "LC_MESSAGES" / "django.po"
PACKAGES = ("accounts", "audit", "divisions", "people", "site", "web")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def found_in(path: Path) -> Iterator[tuple[int, str, object]]:
    """Line, function and text of each translatable text of a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        # As code: each text of the template becomes a call; what stands around it no longer matters.
        text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).splitlines())
    for line, function, messages, _comments in extract_python(
        io.BytesIO(text.encode()), list(KEYWORDS), [], {"encoding": "utf-8"}
    ):
        yield line, function, messages


def gathered() -> Catalog:
    """All translatable texts, none translated."""
    catalog = Catalog(
        locale="en",
        project="Jiuji",
        charset="utf-8",
        fuzzy=False,
        header_comment="# English of the screens. Source texts are Chinese; see tools/messages.py.",
    )
    for package in PACKAGES:
        for path in sorted((SOURCE / package).rglob("*")):
            if path.suffix not in (".py", ".html") or {"tests", "migrations"} & set(path.parts):
                continue
            place = path.relative_to(SOURCE).as_posix()
            for line, function, messages in found_in(path):
                parts = list(messages) if isinstance(messages, tuple) else [messages]
                spec = KEYWORDS[function]
                context = parts.pop(0) if spec and isinstance(spec[0], tuple) else None
                plural = spec is not None and len([s for s in spec if isinstance(s, int)]) == 2
                if not parts or not isinstance(parts[0], str) or not parts[0]:
                    continue
                key = (parts[0], parts[1]) if plural else parts[0]
                catalog.add(key, locations=[(place, line)], context=context)
    return catalog


def translated() -> Catalog:
    if not PO.is_file():
        return Catalog(locale="en")
    with PO.open("rb") as file:
        return read_po(file, locale="en")


def updated() -> Catalog:
    """What is to be translated now, with the English that is there already."""
    now, before = gathered(), translated()
    for message in now:
        if message.id and (old := before.get(_key(message), message.context)) is not None:
            message.string = old.string
    return now


def _key(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else message.id


def missing(catalog: Catalog) -> list[str]:
    return [
        _key(m) for m in catalog if m.id and not (all(m.string) if isinstance(m.string, tuple | list) else m.string)
    ]


def po_bytes(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalog, width=118, sort_output=True, omit_header=False, include_lineno=False)
    kept = [
        line
        for line in out.getvalue().splitlines(keepends=True)
        if not line.startswith(
            (
                b'"POT-Creation-Date',
                b'"PO-Revision-Date',
                b'"Generated-By',
                b'"Last-Translator',
                b'"Language-Team',
                b'"Report-Msgid',
            )
        )
    ]
    return b"".join(kept)


def mo_bytes(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def main(what: str) -> int:
    if what == "update":
        catalog = updated()
        PO.parent.mkdir(parents=True, exist_ok=True)
        PO.write_bytes(po_bytes(catalog))
    if what in ("update", "compile"):
        catalog = translated()
        PO.with_suffix(".mo").write_bytes(mo_bytes(catalog))
    without = missing(updated())
    for text in without:
        print(text)
    print(f"{len(without)} 条没有英文 texts without English", file=sys.stderr)
    return 1 if without and what == "missing" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "missing"))
