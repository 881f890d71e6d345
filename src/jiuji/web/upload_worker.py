"""The closed room in which a stranger's file is opened.

Whoever opens a picture, a PDF or a workbook from outside may meet a bomb: 190 kB that unpack to 200 MB, a header that
claims 50,000 × 50,000 pixels, a document that runs a program. So the door (``uploads.py``) never opens one. It starts
this script as a process of its own: little memory, little processor time, no network, no other file, and a deadline set
by the door. The file comes as standard input; the answer is one line of JSON with a code, never a text.

    python -I upload_worker.py '{"job": "inspect", "limits": {…}}' < file
    {"kind": "pdf", "detail": {"pages": 3}}          or          {"refused": "pdf-script", "part": "/JavaScript"}

Nothing of the project is imported here, so that the room opens within a few hundredths of a second; Pillow and pikepdf
are imported only for the kind of file that needs them.
"""

from __future__ import annotations

import codecs
import ctypes
import importlib
import io
import json
import os
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO
from xml.parsers import expat

MiB = 1024 * 1024
CHUNK = 1 << 16
PICTURES = frozenset({"jpeg", "png", "webp", "heic"})
KINDS = PICTURES | {"pdf", "docx", "xlsx", "csv"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost. ``kinds`` are the kinds asked for; ``zip`` is taken only where it is named."""

    kinds: frozenset[str] = field(default=KINDS)
    bytes: int = 20 * MiB
    pixels: int = 40_000_000  # a phone's 40 megapixels; 120 MB once decoded
    pages: int = 300  # a hospital's whole record
    entries: int = 2_000  # files in a package (a workbook has dozens)
    unpacked: int = 100 * MiB  # all files of a package together
    ratio: int = 100  # unpacked to packed; an honest workbook stays below 50
    rows: int = 100_000  # of a workbook or CSV; a league's whole register
    line: int = 32_768  # characters of one CSV line
    seconds: float = 5.0  # from start to answer
    memory: int = 768 * MiB  # address space of the worker


class Refused(Exception):
    """The file is not taken: a code of ``uploads.REFUSALS``, the part concerned, the limit that was passed."""

    def __init__(self, code: str, part: str = "", limit: int = 0) -> None:
        super().__init__(code)
        self.code, self.part, self.limit = code, part, limit


# --- what it is, by its first bytes ---

# A kind we may take, or "!" and the name of one that we never take (named, so that the person knows what was sent).
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"%PDF-", "pdf"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "!ZIP"),  # an empty archive
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "!old-office"),
    (0, b"GIF8", "!GIF"),
    (0, b"BM", "!BMP"),
    (0, b"II*\x00", "!TIFF"),
    (0, b"MM\x00*", "!TIFF"),
    (0, b"MZ", "!EXE"),
    (0, b"\x7fELF", "!ELF"),
    (0, b"#!", "!script"),
    (0, b"Rar!\x1a\x07", "!RAR"),
    (0, b"7z\xbc\xaf\x27\x1c", "!7z"),
    (0, b"\x1f\x8b\x08", "!gzip"),
    (0, b"BZh", "!bzip2"),
    (0, b"\xfd7zXZ\x00", "!xz"),
    (0, b"\x28\xb5\x2f\xfd", "!zstd"),
    (0, b"MSCF", "!CAB"),
    (0, b"{\\rtf", "!RTF"),
    (257, b"ustar", "!tar"),
)
ARCHIVES = frozenset({"zip", "!ZIP", "!old-office", "!RAR", "!7z", "!gzip", "!bzip2", "!xz", "!zstd", "!CAB", "!tar"})
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})


def sniff(head: bytes) -> str:
    """The kind by its first bytes; ``!NAME`` for one known and never taken; ``text`` for what may be CSV; else ``""``."""
    for offset, signature, kind in SIGNATURES:
        if head.startswith(signature, offset):
            return kind
    if head[:4] == b"RIFF":
        return "webp" if head[8:12] == b"WEBP" else "!RIFF"
    if head[4:8] == b"ftyp":
        size = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[i : i + 4] for i in (8, *range(16, size - 3, 4))}
        return "heic" if brands & HEIC_BRANDS else "!video"
    if head and b"\x00" not in head:
        return "text"
    return ""


# --- pictures ---

# In a picture or a table these have no business: a browser that is made to read it as a page would run them. Each is
# long enough not to come up by chance among millions of bytes of pixels.
ACTIVE = re.compile(rb"<(?:script|iframe|html|!doctype html)[\s>/]|<\?php\s", re.IGNORECASE)


def refuse_active_content(file: BinaryIO, active: re.Pattern[bytes] = ACTIVE) -> None:
    """A file that is at once a picture (or a table) and a web page is refused."""
    file.seek(0)
    tail = b""
    while chunk := file.read(CHUNK):
        window = tail + chunk
        if found := active.search(window):
            raise Refused("polyglot", found[0].decode("latin-1").strip())
        tail = window[-20:]
    file.seek(0)


def open_picture(file: BinaryIO, kind: str, limits: Limits) -> Any:
    """The picture with only its header read, after the pixel count was judged."""
    from PIL import Image

    if kind == "heic":
        learn_heic()
    Image.MAX_IMAGE_PIXELS = None  # judged here, from the header
    file.seek(0)
    picture = Image.open(file, formats=["HEIF" if kind == "heic" else kind.upper()])
    width, height = picture.size
    if width < 1 or height < 1 or width * height > limits.pixels:
        raise Refused("pixels", f"{width}×{height}", limits.pixels)
    return picture


def learn_heic() -> None:
    """HEIC needs one of two optional libraries (pi-heif only reads, and is the lighter)."""
    for library in ("pi_heif", "pillow_heif"):
        try:
            importlib.import_module(library).register_heif_opener()
        except ImportError:
            continue
        return
    raise Refused("heic")


def inspect_picture(file: BinaryIO, kind: str, limits: Limits) -> dict[str, int]:
    """Size in pixels, after every pixel was decoded: a picture cut short is found here, not on the reviewer's screen."""
    refuse_active_content(file)
    if zip_tail(file):
        raise Refused("polyglot", "ZIP")
    picture = open_picture(file, kind, limits)
    width, height = picture.size
    if kind == "jpeg":
        picture.draft("RGB", (max(1, width // 8), max(1, height // 8)))  # an eighth of the work; reads every byte still
    picture.load()
    return {"width": width, "height": height}


def clean_picture(file: BinaryIO, out: BinaryIO, limits: Limits) -> dict[str, Any]:
    """Draw the picture anew: only its pixels are kept, turned the way its EXIF says. Place, device and time are gone."""
    from PIL import ImageOps

    kind = sniff(file.read(4096))
    if kind not in PICTURES:
        raise Refused("type", kind.lstrip("!"))
    picture = open_picture(file, kind, limits)
    picture.load()
    ImageOps.exif_transpose(picture, in_place=True)
    transparent = "A" in picture.getbands() or "transparency" in picture.info
    if picture.mode.startswith(("I", "F")):  # 16 bits and more a channel: to what a screen shows
        low, high = picture.getextrema()
        spread = max(float(high) - float(low), 1.0)
        picture = picture.point(lambda value: value * (255.0 / spread) - low * 255.0 / spread).convert("L")
    mode = "RGBA" if transparent else "L" if picture.mode in ("1", "L") else "RGB"
    if picture.mode != mode:
        picture = picture.convert(mode)
    picture.info = {}
    target = "png" if kind == "png" or transparent else "jpeg"
    if target == "png":
        picture.save(out, "PNG", compress_level=4)
    else:
        picture.save(out, "JPEG", quality=90)
    out.flush()
    return {"kind": target, "detail": {"width": picture.width, "height": picture.height}}


# --- PDF ---

# Read as names of the parsed document (so that /J#61vaScript and compressed objects are seen too).
PDF_KEYS = {
    "/JS": "pdf-script",
    "/JavaScript": "pdf-script",
    "/XFA": "pdf-script",
    "/EmbeddedFiles": "pdf-attachment",
    "/EF": "pdf-attachment",
    "/RichMediaContent": "pdf-attachment",
}
PDF_VALUES = {
    "/JavaScript": "pdf-script",
    "/Rendition": "pdf-script",
    "/Launch": "pdf-launch",
    "/SubmitForm": "pdf-launch",
    "/ImportData": "pdf-launch",
    "/GoToE": "pdf-launch",
    "/GoToR": "pdf-launch",
    "/EmbeddedFile": "pdf-attachment",
    "/FileAttachment": "pdf-attachment",
    "/RichMedia": "pdf-attachment",
    "/Movie": "pdf-attachment",
    "/Sound": "pdf-attachment",
    "/3D": "pdf-attachment",
}
# Also in the raw bytes: an older revision that the table of objects no longer names.
PDF_RAW = {
    b"/JavaScript": "pdf-script",
    b"/Launch": "pdf-launch",
    b"/EmbeddedFile": "pdf-attachment",
    b"/RichMedia": "pdf-attachment",
}


def inspect_pdf(file: BinaryIO, limits: Limits) -> dict[str, int]:
    """Pages of a PDF that opens without a password and that only shows something."""
    import pikepdf

    file.seek(0)
    raw = file.read()
    for word, code in PDF_RAW.items():
        if re.search(re.escape(word) + rb"(?![A-Za-z])", raw):
            raise Refused(code, word.decode())
    if len(raw[raw.rfind(b"%%EOF") :].strip(b"%EOF\0 \r\n\t")) > 1024 or zip_tail(file):
        raise Refused("polyglot", "%%EOF")
    try:
        pdf = pikepdf.open(io.BytesIO(raw))
    except pikepdf.PasswordError:
        raise Refused("encrypted") from None
    if pdf.is_encrypted:
        raise Refused("encrypted")
    pages = len(pdf.pages)
    if pages < 1:
        raise Refused("damaged")
    if pages > limits.pages:
        raise Refused("pages", str(pages), limits.pages)
    unpacked = 0
    for item in pdf.objects:
        refuse_active_object(pikepdf, item)
        if isinstance(item, pikepdf.Stream):
            unpacked += stream_size(pikepdf, item, limits, limits.unpacked - unpacked)
    return {"pages": pages}


def refuse_active_object(pikepdf: Any, item: Any) -> None:
    """No dictionary below this object, as far as it is written in one piece, does anything but show."""
    waiting = [item]
    while waiting:
        now = waiting.pop()
        children: list[Any]
        if isinstance(now, (pikepdf.Dictionary, pikepdf.Stream)):
            children = []
            for key, value in now.items():
                if key in PDF_KEYS:
                    raise Refused(PDF_KEYS[key], key)
                if key in ("/S", "/Type", "/Subtype") and isinstance(value, pikepdf.Name) and str(value) in PDF_VALUES:
                    raise Refused(PDF_VALUES[str(value)], str(value))
                children.append(value)
        elif isinstance(now, pikepdf.Array):
            children = list(now)
        else:
            continue
        waiting += [
            child
            for child in children
            if isinstance(child, (pikepdf.Dictionary, pikepdf.Array)) and not child.is_indirect
        ]


def stream_size(pikepdf: Any, stream: Any, limits: Limits, left: int) -> int:
    """Unpacked bytes of a stream that is no picture; a picture is judged by the pixels that it claims."""
    filters = stream.get("/Filter", [])
    names = [str(f) for f in filters] if isinstance(filters, pikepdf.Array) else [str(filters)]
    if len(names) > 3 or names.count("/FlateDecode") > 1:
        raise Refused("ratio", "PDF", limits.ratio)
    if str(stream.get("/Subtype", "")) == "/Image":
        width, height = int(stream.get("/Width", 0)), int(stream.get("/Height", 0))
        if width < 0 or height < 0 or width * height > 4 * limits.pixels:  # scans at 600 dpi are larger than photos
            raise Refused("pixels", f"{width}×{height}", 4 * limits.pixels)
        return 0
    if "/FlateDecode" not in names:
        return 0
    size = 0
    engine = zlib.decompressobj()
    data = stream.read_raw_bytes()
    try:
        while data and not engine.eof:
            size += len(engine.decompress(data, MiB))
            data = engine.unconsumed_tail
            if size > left:
                raise Refused("unpacked", "PDF", limits.unpacked)
    except zlib.error:
        pass  # a viewer shows such a stream as far as it goes
    return size


# --- packages: DOCX, XLSX, ZIP ---

MACRO_PARTS = re.compile(r"(vbaproject|vbadata|macrosheets/|activex|/attachedtoolbars)", re.IGNORECASE)
MACRO_TYPES = re.compile(r"(macroenabled|vbaproject|macrosheet|activex)", re.IGNORECASE)
EXTERNAL_DANGER = re.compile(r"/(attachedTemplate|oleObject|frame|subDocument|aFChunk|control|package)$", re.IGNORECASE)
OFFICE_MAIN = (
    ("wordprocessingml.document.main+xml", "docx"),
    ("spreadsheetml.sheet.main+xml", "xlsx"),
    ("presentationml", "!PPTX"),
)


def zip_tail(file: BinaryIO) -> bool:
    """Does the file end as an archive ends? (A picture or PDF with an archive behind it is two files in one.)"""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 65_557))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    return at >= 0 and len(tail) - at >= 22 and at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)


def inspect_package(file: BinaryIO, limits: Limits) -> tuple[str, dict[str, int]]:
    """Kind and counts of a package. What it claims is judged first; then every byte is unpacked and counted."""
    file.seek(0)
    packed = file.seek(0, os.SEEK_END)
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise Refused("damaged") from None
    entries = archive.infolist()
    if len(entries) > limits.entries:
        raise Refused("entries", str(len(entries)), limits.entries)
    if not entries:
        raise Refused("empty")
    refuse_entries(entries)
    claimed = sum(entry.file_size for entry in entries)
    if claimed > limits.unpacked:
        raise Refused("unpacked", f"{claimed // MiB} MiB", limits.unpacked)
    if claimed > limits.ratio * packed:
        raise Refused("ratio", f"{claimed // max(1, packed)}:1", limits.ratio)
    for entry in entries:
        if entry.file_size > MiB and entry.file_size > limits.ratio * max(1, entry.compress_size):
            raise Refused("ratio", entry.filename, limits.ratio)
    refuse_overlaps(file, entries, archive.start_dir)

    names = {entry.filename for entry in entries}
    kind = "zip"
    if "[Content_Types].xml" in names:
        kind = office_kind(archive)
    if kind not in limits.kinds:
        raise Refused("type", kind.lstrip("!").upper())
    detail = {"entries": len(entries), "unpacked": claimed}
    rows = 0
    for entry in entries:
        if kind != "zip" and (MACRO_PARTS.search(entry.filename) or "/embeddings/" in f"/{entry.filename}".lower()):
            raise Refused("macro", entry.filename)
        rows += inspect_entry(archive, entry, kind, limits)
    if kind == "xlsx":
        detail["rows"] = rows
    return kind, detail


def refuse_entries(entries: list[zipfile.ZipInfo]) -> None:
    """Names that lead out of the folder, links, devices, secrets, two files of one name."""
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        parts = name.replace("\\", "/").split("/")
        if (
            name.startswith(("/", "\\"))
            or "\\" in name
            or ".." in parts
            or re.match(r"[A-Za-z]:", name)
            or len(name) > 512
            or any(ord(c) < 32 or ord(c) == 127 for c in name)
        ):
            raise Refused("path", name)
        mode = entry.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Refused("link", name)
        if entry.flag_bits & 0x2041:  # encrypted, strongly encrypted, masked headers
            raise Refused("encrypted", name)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused("damaged", name)
        folded = name.casefold()
        if folded in seen:
            raise Refused("path", name)
        seen.add(folded)


def refuse_overlaps(file: BinaryIO, entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Each entry has bytes of its own, from the first byte on, and its two headers tell the same sizes."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    if ordered[0].header_offset != 0:
        raise Refused("polyglot", "ZIP")
    ends = [entry.header_offset for entry in ordered[1:]] + [directory]
    for entry, end in zip(ordered, ends, strict=True):
        file.seek(entry.header_offset)
        header = file.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise Refused("zip-lies", entry.filename)
        flags, method, _, _, _, packed, unpacked, name, extra = struct.unpack("<HHHHLLLHH", header[6:30])
        if entry.header_offset + 30 + name + extra + entry.compress_size > end:
            raise Refused("zip-lies", entry.filename)
        streamed = flags & 8 or 0xFFFFFFFF in (packed, unpacked)
        if method != entry.compress_type or (
            not streamed and (packed, unpacked) != (entry.compress_size, entry.file_size)
        ):
            raise Refused("zip-lies", entry.filename)


def unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of an entry; refused when they are not as many, or not those, that were announced."""
    count = 0
    try:
        with archive.open(entry) as member:
            while chunk := member.read(CHUNK):
                count += len(chunk)
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        raise Refused("zip-lies", entry.filename) from None
    if count != entry.file_size:
        raise Refused("zip-lies", entry.filename)


def inspect_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, kind: str, limits: Limits) -> int:
    """Unpack one entry and judge it; the number of its rows if it is a sheet."""
    lower = entry.filename.lower()
    xml = XmlCheck(entry.filename, limits) if kind != "zip" and lower.endswith((".xml", ".rels")) else None
    tail = b""
    first = True
    for chunk in unpack(archive, entry):
        if first and (found := sniff(chunk[:512])) in ARCHIVES | {"!EXE", "!ELF"}:
            raise Refused("nested", f"{entry.filename} ({found.lstrip('!')})")
        window = tail + chunk
        if EICAR in window:
            raise Refused("virus", entry.filename)
        if xml is not None:
            xml.feed(chunk)
        elif kind != "zip" and lower.endswith(".vml") and b"<!entity" in window.lower():
            raise Refused("xml", entry.filename)
        tail = window[-len(EICAR) :]
        first = False
    return xml.close() if xml is not None else 0


class XmlCheck:
    """Reads XML without building it: no DOCTYPE (so no entities), no depth, no link that loads or runs something."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name, self.limits = name, limits
        self.depth = self.rows = 0
        self.sheet = "/worksheets/" in f"/{name.lower()}"
        self.types: set[str] = set()
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end

    def doctype(self, *_: object) -> None:
        raise Refused("xml", self.name)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > 256:
            raise Refused("xml", self.name)
        local = name.rpartition(":")[2]
        if local == "row" and self.sheet:
            self.rows += 1
            if self.rows > self.limits.rows:
                raise Refused("rows", self.name, self.limits.rows)
        elif local in ("Override", "Default"):
            self.types.add(attributes.get("ContentType", ""))
        elif local == "Relationship":
            if attributes.get("TargetMode") == "External" and EXTERNAL_DANGER.search(attributes.get("Type", "")):
                raise Refused("external", self.name)
        elif local in ("ddeLink", "oleLink"):
            raise Refused("external", self.name)

    def end(self, _: str) -> None:
        self.depth -= 1

    def feed(self, data: bytes, final: bool = False) -> None:
        try:
            self.parser.Parse(data, final)
        except (expat.ExpatError, LookupError, ValueError):
            raise Refused("damaged", self.name) from None

    def close(self) -> int:
        """Ends the document; its number of rows."""
        self.feed(b"", True)
        return self.rows


def office_kind(archive: zipfile.ZipFile) -> str:
    """DOCX or XLSX by the list of contents that Office itself goes by."""
    check = XmlCheck("[Content_Types].xml", Limits())
    for chunk in unpack(archive, archive.getinfo("[Content_Types].xml")):
        check.feed(chunk)
    check.close()
    for declared in check.types:
        if MACRO_TYPES.search(declared):
            raise Refused("macro", declared)
    for ending, kind in OFFICE_MAIN:
        if any(ending in declared for declared in check.types):
            return kind
    return "zip"


# --- CSV ---

# Built from two pieces, so that a scanner does not take this file for what it looks for.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
TEXT_ACTIVE = re.compile(rb"<(?:script|iframe|html|!doctype|svg|body|img|\?xml|\?php)\b", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")


def inspect_csv(file: BinaryIO, limits: Limits) -> dict[str, Any]:
    """Rows and encoding (UTF-8, else GB18030) of a table in text: lines of bearable length, no control characters."""
    refuse_active_content(file, TEXT_ACTIVE)
    for encoding in ("utf-8-sig", "gb18030"):
        file.seek(0)
        try:
            rows = count_lines(file, encoding, limits)
        except UnicodeDecodeError:
            continue
        return {"rows": rows, "encoding": encoding}
    raise Refused("text")


def count_lines(file: BinaryIO, encoding: str, limits: Limits) -> int:
    """Number of lines that are not empty."""
    decoder = codecs.getincrementaldecoder(encoding)()
    rows, line, end = 0, "", False
    while not end:
        chunk = file.read(CHUNK)
        end = not chunk
        text = line + decoder.decode(chunk, end)
        if CONTROL.search(text):
            raise Refused("text")
        *lines, line = re.split(r"\r\n|\n|\r(?!$)", text)
        if end:
            lines.append(line)
        for one in lines:
            if len(one) > limits.line:
                raise Refused("line", str(rows + 1), limits.line)
            if rows == 0 and one.strip() and not re.search(r"[,;\t，]", one):
                raise Refused("text")  # prose, a key, a program: no table
            rows += bool(one.strip())
        if len(line) > limits.line:
            raise Refused("line", str(rows + 1), limits.line)
        if rows > limits.rows:
            raise Refused("rows", str(rows), limits.rows)
    if rows == 0:
        raise Refused("empty")
    return rows


# --- the process ---


def inspect(file: BinaryIO, limits: Limits) -> dict[str, Any]:
    """``{"kind": …, "detail": {…}}`` of a file that may be taken; raises ``Refused``."""
    file.seek(0)
    kind = sniff(file.read(4096))
    if kind == "zip":
        kind, detail = inspect_package(file, limits)
        return {"kind": kind, "detail": detail}
    kind = "csv" if kind == "text" else kind
    if kind not in limits.kinds:
        raise Refused("type", kind.lstrip("!").upper())
    if kind == "pdf":
        return {"kind": kind, "detail": inspect_pdf(file, limits)}
    if kind == "csv":
        return {"kind": kind, "detail": inspect_csv(file, limits)}
    return {"kind": kind, "detail": inspect_picture(file, kind, limits)}


def close_the_room(limits: Limits) -> None:
    """From here on: this much memory, this much processor time, few open files, and no network where Linux allows."""
    try:
        import resource
    except ImportError:  # Windows; the deadline is all there is
        return
    seconds = max(1, int(limits.seconds + 0.999))
    wanted = [
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 8 * limits.bytes),
        (resource.RLIMIT_NOFILE, 64),
    ]
    if sys.platform == "linux":
        wanted.append((resource.RLIMIT_AS, limits.memory))
    for what, most in wanted:
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        libc.unshare(0x10000000 | 0x40000000)  # a user and a network namespace of its own, where the system lets us


def limits_from(data: dict[str, Any]) -> Limits:
    """Limits as the door wrote them."""
    return Limits(**{**data, "kinds": frozenset(data["kinds"])})


def limits_as_data(limits: Limits) -> dict[str, Any]:
    """Limits as JSON can carry them."""
    return {**asdict(limits), "kinds": sorted(limits.kinds)}


def main(argument: str) -> int:
    """Judge standard input; one line of JSON on standard output. Exit code 3: the worker itself is not fit."""
    order = json.loads(argument)
    limits = limits_from(order["limits"])
    close_the_room(limits)
    answer: dict[str, Any]
    code = 0
    with open(0, "rb", closefd=False) as file:
        try:
            if order["job"] == "clean":
                with open(order["out"], "wb", closefd=False) as out:
                    answer = clean_picture(file, out, limits)
            else:
                answer = inspect(file, limits)
        except Refused as refusal:
            answer = {"refused": refusal.code, "part": refusal.part, "limit": refusal.limit}
        except ImportError as error:
            answer, code = {"broken": str(error)}, 3
        except (MemoryError, RecursionError):
            answer = {"refused": "resources", "limit": limits.memory}
        except Exception as error:  # whatever a decoder says of a broken file
            answer = {"refused": "damaged", "part": type(error).__name__}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    # Leave without tidying up: what a decoder left behind goes with the process.
    os._exit(main(sys.argv[1]))
