"""test_bombs (T16): hostile files are each refused within five seconds and without harm; honest ones are taken.

The hostile files are built here and judged by one process of their own, as a web worker would judge them, so that its
time and its peak of memory are those of the door alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

pikepdf = pytest.importorskip("pikepdf")
pytest.importorskip("PIL")
from PIL import Image  # noqa: E402

from jiuji.web import uploads  # noqa: E402
from jiuji.web.upload_worker import EICAR, KINDS  # noqa: E402
from jiuji.web.uploads import Limits, UploadRefused, clean_picture, inspect, neutral_name  # noqa: E402

MiB = 1024 * 1024
WITH_ZIP = KINDS | {"zip"}

# --- building blocks ---


def picture(form: str = "JPEG", size: tuple[int, int] = (640, 480), mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    image = Image.effect_noise(size, 60).convert(mode)
    image.save(out, form, **options)
    return out.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + binascii.crc32(kind + data).to_bytes(4, "big")


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    body = b"".join(png_chunk(kind, data) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + body + png_chunk(b"IEND", b"")


def package(entries: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


CONTENT_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/{part}" ContentType="application/vnd.{type}"/>{more}</Types>'
)
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
    'Target="{target}"{mode}/></Relationships>'
)
DOCX_TYPE = "openxmlformats-officedocument.wordprocessingml.document.main+xml"
XLSX_TYPE = "openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
XLSM_TYPE = "ms-excel.sheet.macroEnabled.main+xml"


def docx(body: str = "<w:p/>", more: dict[str, bytes | str] | None = None, head: str = "") -> bytes:
    document = f'<?xml version="1.0"?>{head}<w:document xmlns:w="w"><w:body>{body}</w:body></w:document>'
    return package(
        {
            "[Content_Types].xml": CONTENT_TYPES.format(part="word/document.xml", type=DOCX_TYPE, more=""),
            "_rels/.rels": RELATIONS.format(kind="officeDocument", target="word/document.xml", mode=""),
            "word/document.xml": document,
            **(more or {}),
        }
    )


def xlsx(rows: int = 3, kind: str = XLSX_TYPE, more: dict[str, bytes | str] | None = None) -> bytes:
    cells = "".join(f'<row r="{n}"><c r="A{n}"><v>{n * 7919 % 10007}</v></c></row>' for n in range(1, rows + 1))
    return package(
        {
            "[Content_Types].xml": CONTENT_TYPES.format(part="xl/workbook.xml", type=kind, more=""),
            "_rels/.rels": RELATIONS.format(kind="officeDocument", target="xl/workbook.xml", mode=""),
            "xl/workbook.xml": "<workbook/>",
            "xl/worksheets/sheet1.xml": f"<worksheet><sheetData>{cells}</sheetData></worksheet>",
            **(more or {}),
        }
    )


def pdf(change: Callable[[pikepdf.Pdf], None] | None = None, pages: int = 1, **options: object) -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as document:
        for _ in range(pages):
            document.add_blank_page()
        if change:
            change(document)
        document.save(out, static_id=True, **options)
    return out.getvalue()


def pdf_action(kind: str, **more: object) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        action = pikepdf.Dictionary(S=pikepdf.Name(f"/{kind}"), **more)
        document.Root.OpenAction = document.make_indirect(action)

    return change


COMPRESSED = {"object_stream_mode": pikepdf.ObjectStreamMode.generate, "compress_streams": True}


# --- the hostile files ---


@cache
def zip_200_mb() -> bytes:
    """200 MB of zeros in 190 kB (a ratio of 1,028)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("帐目.csv", "w") as entry:
        for _ in range(200):
            entry.write(bytes(1_000_000))
    return out.getvalue()


def zip_spread() -> bytes:
    """Many entries of modest size, each below any single limit, together 400 MB."""
    return package({f"{n}.txt": bytes(900_000) for n in range(450)})


def zip_lying() -> bytes:
    """60 MB that claim, in both headers, to be 1,000 bytes."""
    data = bytearray(package({"a.txt": bytes(60 * MiB)}))
    true, false = (60 * MiB).to_bytes(4, "little"), (1_000).to_bytes(4, "little")
    assert data.count(true) == 2
    return bytes(data.replace(true, false))


def zip_two_tongues() -> bytes:
    """The header before the data tells another size than the list at the end."""
    data = bytearray(package({"a.txt": b"x" * 5_000}))
    at = data.index((5_000).to_bytes(4, "little"))
    data[at : at + 4] = (50).to_bytes(4, "little")
    return bytes(data)


def zip_overlapping() -> bytes:
    """Two entries of the list share the same bytes (the trick of 42 kB to 5 GB)."""
    data = bytearray(package({"a.txt": b"x" * 5_000, "b.txt": b"y" * 5_000}))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = bytes(4)
    return bytes(data)


def zip_symlink() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("身份证.jpg")
        entry.create_system = 3
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def zip_encrypted() -> bytes:
    data = bytearray(package({"a.txt": b"secret"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def billion_laughs() -> bytes:
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11))
    return docx("<w:p>&a10;</w:p>", head=f"<!DOCTYPE w [{entities}]>")


@cache
def pdf_object_stream_bomb() -> bytes:
    """A compressed object stream of 1 MB that unpacks to 1 GB."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * MiB) for _ in range(1_000)) + packer.flush()
    body = b"%PDF-1.5\n"
    offsets = []

    def add(text: bytes) -> None:
        nonlocal body
        offsets.append(len(body))
        body += text

    add(
        b"1 0 obj\n<</Type/ObjStm/N 2/First 10/Filter/FlateDecode/Length %d>>stream\n" % len(packed)
        + packed
        + b"\nendstream\nendobj\n"
    )
    table = b"\x00\x00\x00\x00\x00" + b"\x01" + offsets[0].to_bytes(3, "big") + b"\x00"
    table += b"\x02\x00\x00\x01\x00" + b"\x02\x00\x00\x01\x01"
    start = len(body)
    table += b"\x01" + start.to_bytes(3, "big") + b"\x00"
    body += (
        b"4 0 obj\n<</Type/XRef/Size 5/W[1 3 1]/Root 2 0 R/Length %d>>stream\n" % len(table)
        + table
        + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    )
    return body


def pdf_page_bomb() -> bytes:
    """A page whose drawing unpacks to 300 MB."""

    def change(document: pikepdf.Pdf) -> None:
        packer = zlib.compressobj(9)
        packed = b"".join(packer.compress(b"q Q " * (MiB // 4)) for _ in range(300)) + packer.flush()
        content = document.make_stream(b"")
        content.write(packed, filter=pikepdf.Name.FlateDecode)
        document.pages[0].Contents = content

    return pdf(change)


def pdf_picture_flood() -> bytes:
    def change(document: pikepdf.Pdf) -> None:
        flood = document.make_stream(b"\x00")
        flood.Subtype = pikepdf.Name.Image
        flood.Width, flood.Height = 50_000, 50_000
        document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=flood))

    return pdf(change)


def pdf_with_attachment() -> bytes:
    def change(document: pikepdf.Pdf) -> None:
        document.attachments["a.exe"] = b"MZ"

    return pdf(change, **COMPRESSED)


def pdf_field_script() -> bytes:
    """A script in an object that is compressed and hangs on a form field, not on the document."""

    def change(document: pikepdf.Pdf) -> None:
        field = pikepdf.Dictionary(
            FT=pikepdf.Name.Tx,
            AA=pikepdf.Dictionary(K=pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))),
        )
        document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([document.make_indirect(field)]))

    return pdf(change, **COMPRESSED)


def pdf_disguised_script() -> bytes:
    """/JavaScript written as /J#61vaScript, which every viewer understands."""
    plain = pdf(pdf_action("JavaScript", JS=pikepdf.String("1")), object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return plain.replace(b"/JavaScript", b"/J#61vaScript")


def deep_xml() -> bytes:
    return docx("<w:p>" * 50_000 + "</w:p>" * 50_000)


@dataclass(frozen=True)
class Hostile:
    """A file, the name it comes under, and the code it must be refused with."""

    make: Callable[[], bytes]
    name: str
    code: str | tuple[str, ...]
    zip: bool = False


JPEG = picture()

HOSTILE: dict[str, Hostile] = {
    "zip of 200 MB in 190 kB": Hostile(zip_200_mb, "a.zip", "unpacked", zip=True),
    "zip that is not asked for": Hostile(lambda: package({"a.txt": b"a"}), "a.zip", "type"),
    "zip of many modest entries": Hostile(zip_spread, "a.zip", "unpacked", zip=True),
    "zip of 50 MB, ratio 1,000": Hostile(lambda: package({"a": bytes(50 * MiB)}), "a.zip", "ratio", zip=True),
    "zip with 3,000 entries": Hostile(
        lambda: package({f"{n}": b"" for n in range(3_000)}), "a.zip", "entries", zip=True
    ),
    "zip in a zip": Hostile(lambda: package({"b.zip": package({"a": b"a"})}), "a.zip", "nested", zip=True),
    "gzip in a zip, named as text": Hostile(
        lambda: package({"a.txt": b"\x1f\x8b\x08" + bytes(50)}), "a.zip", "nested", zip=True
    ),
    "zip with lying sizes": Hostile(zip_lying, "a.zip", "zip-lies", zip=True),
    "zip with two tongues": Hostile(zip_two_tongues, "a.zip", "zip-lies", zip=True),
    "zip with overlapping entries": Hostile(zip_overlapping, "a.zip", "zip-lies", zip=True),
    "zip with ../ names": Hostile(lambda: package({"../../etc/cron.d/x": b"a"}), "a.zip", "path", zip=True),
    "zip with absolute names": Hostile(lambda: package({"/etc/cron.d/x": b"a"}), "a.zip", "path", zip=True),
    "zip with backslashes": Hostile(lambda: package({"..\\..\\x": b"a"}), "a.zip", "path", zip=True),
    "zip with a symlink": Hostile(zip_symlink, "a.zip", "link", zip=True),
    "zip with a password": Hostile(zip_encrypted, "a.zip", "encrypted", zip=True),
    "virus mark": Hostile(lambda: EICAR, "说明.csv", "virus"),
    "virus mark within a workbook": Hostile(
        lambda: xlsx(more={"xl/media/a.dat": bytes(70_000) + EICAR}), "a.xlsx", "virus"
    ),
    "billion laughs in a docx": Hostile(billion_laughs, "证明.docx", "xml"),
    "outside entity in a docx": Hostile(
        lambda: docx("&x;", head='<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "a.docx", "xml"
    ),
    "docx 50,000 levels deep": Hostile(deep_xml, "a.docx", ("xml", "ratio")),
    "docx with a remote template": Hostile(
        lambda: docx(
            more={
                "word/_rels/settings.xml.rels": RELATIONS.format(
                    kind="attachedTemplate", target="http://x.example/a.dotm", mode=' TargetMode="External"'
                )
            }
        ),
        "a.docx",
        "external",
    ),
    "docx with an embedded object": Hostile(lambda: docx(more={"word/embeddings/o.bin": b"x"}), "a.docx", "macro"),
    "xlsm": Hostile(lambda: xlsx(kind=XLSM_TYPE, more={"xl/vbaProject.bin": b"x"}), "a.xlsm", "macro"),
    "macro in a file named xlsx": Hostile(lambda: xlsx(more={"xl/vbaProject.bin": b"x"}), "a.xlsx", "macro"),
    "workbook of 200,000 rows": Hostile(lambda: xlsx(200_000), "a.xlsx", "rows"),
    "workbook cut short": Hostile(lambda: xlsx(500)[:-80], "a.xlsx", "damaged"),
    "picture header of 50,000 × 50,000": Hostile(
        lambda: png(50_000, 50_000, (b"IDAT", zlib.compress(bytes(1000)))), "a.png", "pixels"
    ),
    "picture with 200 MB of text": Hostile(
        lambda: png(1, 1, (b"zTXt", b"a\0\0" + zlib.compress(bytes(200 * MiB))), (b"IDAT", zlib.compress(bytes(4)))),
        "a.png",
        ("damaged", "resources"),
    ),
    "GIF that is a web page": Hostile(
        lambda: b"GIF89a/*\x00\x00\x00*/=1;</script><html><script>alert(1)</script>", "a.jpg", "type"
    ),
    "photo that is a web page": Hostile(
        lambda: JPEG[:2] + b"\xff\xfe\x00\x20<SCRIPT>alert(1)</SCRIPT>    " + JPEG[2:], "a.jpg", "polyglot"
    ),
    "photo with an archive behind it": Hostile(lambda: JPEG + package({"a.class": b"a"}), "a.jpg", "polyglot"),
    "photo cut short": Hostile(lambda: JPEG[: len(JPEG) // 2], "a.jpg", "damaged"),
    "photo of noise": Hostile(lambda: JPEG[:4] + hashlib.shake_256(b"j").digest(40_000), "a.jpg", "damaged"),
    "program named as a photo": Hostile(lambda: b"MZ\x90\x00" + bytes(4000), "照片.jpg", "type"),
    "PDF named as a photo": Hostile(pdf, "照片.jpg", "extension"),
    "photo named as a program": Hostile(lambda: JPEG, "照片\u202egpj.exe", "extension"),
    "drawing with a script": Hostile(lambda: b"<svg onload='alert(1)'/>", "a.png", "polyglot"),
    "old Word document": Hostile(lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000), "a.doc", "old-office"),
    "empty file": Hostile(lambda: b"", "a.pdf", "empty"),
    "21 MB": Hostile(lambda: JPEG + bytes(21 * MiB), "a.jpg", "size"),
    "PDF with a script": Hostile(lambda: pdf(pdf_action("JavaScript", JS=pikepdf.String("1"))), "a.pdf", "pdf-script"),
    "PDF with a disguised script": Hostile(pdf_disguised_script, "a.pdf", "pdf-script"),
    "PDF with a compressed script on a field": Hostile(pdf_field_script, "a.pdf", "pdf-script"),
    "PDF that starts a program": Hostile(
        lambda: pdf(pdf_action("Launch", F=pikepdf.String("cmd.exe")), **COMPRESSED), "a.pdf", "pdf-launch"
    ),
    "PDF with an attachment": Hostile(pdf_with_attachment, "a.pdf", "pdf-attachment"),
    "PDF with a password": Hostile(
        lambda: pdf(encryption=pikepdf.Encryption(owner="a", user="b")), "a.pdf", "encrypted"
    ),
    "PDF of 301 pages": Hostile(lambda: pdf(pages=301), "a.pdf", "pages"),
    "PDF with an archive behind it": Hostile(lambda: pdf() + package({"a": b"a"}), "a.pdf", "polyglot"),
    "PDF that starts later": Hostile(lambda: b"<html>\n" + pdf(), "a.pdf", ("type", "text", "polyglot", "extension")),
    "PDF whose objects unpack to 1 GB": Hostile(pdf_object_stream_bomb, "a.pdf", ("resources", "deadline", "damaged")),
    "PDF whose page unpacks to 300 MB": Hostile(pdf_page_bomb, "a.pdf", "unpacked"),
    "PDF with a flood of pixels": Hostile(pdf_picture_flood, "a.pdf", "pixels"),
    "PDF of noise": Hostile(lambda: b"%PDF-1.7\n" + hashlib.shake_256(b"p").digest(9000), "a.pdf", "damaged"),
    "CSV with one endless line": Hostile(lambda: b"a,b\n" + b"1," * 400_000, "a.csv", "line"),
    "CSV that is no text": Hostile(lambda: b"a,b\n\x01\x02\xff\xfe", "a.csv", "text"),
    "CSV that is a web page": Hostile(lambda: b"a,b\n<html><script>1</script>", "a.csv", "polyglot"),
}

# Run in a fresh interpreter: judges the files it is told and prints codes, seconds, and its own peak of memory.
DOOR = """
import json, sys, time
from pathlib import Path
from jiuji.web.upload_worker import KINDS
from jiuji.web.uploads import Limits, UploadRefused, inspect
answers = {}
for title, (path, name, asked) in json.loads(Path(sys.argv[1]).read_text()).items():
    limits = Limits(kinds=KINDS | {"zip"}) if asked else Limits()
    start = time.monotonic()
    try:
        inspect(Path(path), name, limits)
        answer = ("accepted", "", "")
    except UploadRefused as refusal:
        answer = (refusal.code, refusal.zh, refusal.en)
    answers[title] = (*answer, time.monotonic() - start)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({"answers": answers, "peak": int(status["VmHWM"].split()[0]) * 1024}))
"""


@dataclass(frozen=True)
class Verdict:
    code: str
    zh: str
    en: str
    seconds: float


@dataclass(frozen=True)
class Door:
    verdicts: dict[str, Verdict]
    peak: int  # bytes


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Door:
    folder = tmp_path_factory.mktemp("hostile")
    orders = {}
    for number, (title, hostile) in enumerate(HOSTILE.items()):
        path = folder / str(number)
        path.write_bytes(hostile.make())
        orders[title] = (str(path), hostile.name, hostile.zip)
    listing = folder / "orders.json"
    listing.write_text(json.dumps(orders))
    done = subprocess.run([sys.executable, "-c", DOOR, str(listing)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return Door({title: Verdict(*verdict) for title, verdict in answer["answers"].items()}, answer["peak"])


@pytest.mark.parametrize("title", HOSTILE)
def test_bombs_are_refused_within_five_seconds(door: Door, title: str) -> None:
    verdict, expected = door.verdicts[title], HOSTILE[title].code
    assert verdict.code in ((expected,) if isinstance(expected, str) else expected)
    assert verdict.seconds <= 5.5
    assert "{" not in verdict.zh + verdict.en and verdict.zh.endswith("。") and verdict.en.endswith(".")


def test_bombs_leave_the_door_below_300_mib(door: Door) -> None:
    assert door.peak < 300 * MiB


def test_the_bombs_are_what_they_claim() -> None:
    bomb = zip_200_mb()
    assert len(bomb) < 200_000
    assert zipfile.ZipFile(io.BytesIO(bomb)).infolist()[0].file_size == 200_000_000
    assert len(pdf_object_stream_bomb()) < 2 * MiB


# --- the walls of the room ---


def test_a_worker_out_of_memory_refuses_and_the_door_stays_open() -> None:
    """Sabotage: without RLIMIT_AS this honest but large picture is taken."""
    out = io.BytesIO()
    Image.new("RGB", (7000, 5000)).save(out, "PNG")
    large = out.getvalue()
    assert inspect(large, "a.png").kind == "png"
    limits = Limits(memory=160 * MiB)
    with pytest.raises(UploadRefused) as refused:
        inspect(large, "a.png", limits)
    assert refused.value.code == "resources"
    assert inspect(JPEG, "a.jpg").kind == "jpeg"


def test_a_worker_out_of_time_is_ended() -> None:
    with pytest.raises(UploadRefused) as refused:
        inspect(JPEG, "a.jpg", Limits(seconds=0.001))
    assert refused.value.code == "deadline"


def test_a_worker_has_little_of_everything_and_no_network() -> None:
    probe = (
        "import json, os, resource, sys; sys.path.insert(0, sys.argv[1]); import upload_worker as w\n"
        "w.close_the_room(w.Limits())\n"
        "limits = [resource.getrlimit(r)[0] for r in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)]\n"
        "print(json.dumps([limits, os.readlink('/proc/self/ns/net'), os.readlink('/proc/self/ns/user')]))\n"
    )
    folder = str(Path(uploads.upload_worker.__file__).parent)
    done = subprocess.run([sys.executable, "-c", probe, folder], capture_output=True, text=True, check=True)
    limits, network, user = json.loads(done.stdout)
    assert limits == [Limits().memory, 5, 0]
    if user == os.readlink("/proc/self/ns/user"):
        pytest.skip("this system gives no user namespaces; the network is closed by the service's unit there")
    assert network != os.readlink("/proc/self/ns/net")


def test_a_worker_that_was_taken_over_cannot_put_words_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"refused": "<script>", "part": "<script>alert(1)</script>"}
    answer = subprocess.CompletedProcess([], 0, stdout=json.dumps(told).encode())
    monkeypatch.setattr(uploads.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(UploadRefused) as refused:
        inspect(JPEG, "a.jpg")
    assert refused.value.code == "damaged" and "script" not in str(refused.value)


def test_a_worker_that_cannot_work_blames_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = subprocess.CompletedProcess([], 3, stdout=b'{"broken": "No module named PIL"}')
    monkeypatch.setattr(uploads.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(uploads.UploadCheckBroken, match="PIL"):
        inspect(JPEG, "a.jpg")


# --- honest files ---

HONEST: dict[str, tuple[Callable[[], bytes], str, str, str]] = {
    "photo": (lambda: JPEG, "低保证.JPG", "jpeg", "低保证.jpg"),
    "photo of 38 megapixels": (lambda: picture(size=(7200, 5300), quality=60), "a.jpg", "jpeg", "a.jpg"),
    "grey photo": (lambda: picture(mode="L"), "a.jpeg", "jpeg", "a.jpg"),
    "PNG": (lambda: picture("PNG", mode="RGBA"), "截图 1.png", "png", "截图 1.png"),
    "WebP": (lambda: picture("WEBP"), "mmexport.webp", "webp", "mmexport.webp"),
    "WebP that a chat program named jpg": (lambda: picture("WEBP"), "mmexport.jpg", "webp", "mmexport.webp"),
    "PDF": (lambda: pdf(pages=12), "出院小结.pdf", "pdf", "出院小结.pdf"),
    "compressed PDF": (lambda: pdf(pages=3, **COMPRESSED), "出院小结.pdf", "pdf", "出院小结.pdf"),
    "PDF that opens at a page": (
        lambda: pdf(pdf_action("GoTo", D=pikepdf.String("p"))),
        "a.pdf",
        "pdf",
        "a.pdf",
    ),
    "Word": (lambda: docx("<w:p>困难情况说明</w:p>"), "申请书.docx", "docx", "申请书.docx"),
    "Word with a link": (
        lambda: docx(
            more={
                "word/_rels/document.xml.rels": RELATIONS.format(
                    kind="hyperlink", target="https://www.gov.cn", mode=' TargetMode="External"'
                )
            }
        ),
        "a.docx",
        "docx",
        "a.docx",
    ),
    "Excel": (lambda: xlsx(5_000), "发放名册.xlsx", "xlsx", "发放名册.xlsx"),
    "Excel of 60,000 rows": (lambda: xlsx(60_000), "名册.xlsx", "xlsx", "名册.xlsx"),
    "CSV in UTF-8": (lambda: "姓名,金额\n王芳,300\n".encode(), "回盘.csv", "csv", "回盘.csv"),
    "CSV in GB18030": (lambda: "姓名,金额\r\n𠮷田,300\r\n".encode("gb18030"), "回盘.csv", "csv", "回盘.csv"),
    "CSV from Excel": (lambda: "姓名\t金额\r\n".encode("utf-8-sig"), "回盘.txt", "csv", "回盘.csv"),
    "name without an extension": (lambda: JPEG, "张三2024.05.06", "jpeg", "张三2024.05.06.jpg"),
}


@pytest.mark.parametrize("title", HONEST)
def test_honest_files_are_taken_by_content_under_their_name(title: str) -> None:
    make, name, kind, safe_name = HONEST[title]
    data = make()
    accepted = inspect(data, name)
    assert (accepted.kind, accepted.safe_name) == (kind, safe_name)
    assert accepted.size == len(data) and accepted.sha256 == hashlib.sha256(data).hexdigest()
    assert accepted.mime == uploads.MIME[kind] and safe_name.endswith(accepted.extension)


def test_a_zip_is_taken_where_one_is_asked_for() -> None:
    accepted = inspect(package({"材料/身份证.jpg": JPEG, "说明.txt": b"a"}), "材料.zip", Limits(kinds=WITH_ZIP))
    assert accepted.kind == "zip" and accepted.detail["entries"] == 2


def test_details_are_told() -> None:
    assert inspect(pdf(pages=12), "a.pdf").detail == {"pages": 12}
    assert inspect(xlsx(40), "a.xlsx").detail["rows"] == 40
    assert inspect("甲,乙\n1,2\n\n".encode("gb18030"), "a.csv").detail == {"rows": 2, "encoding": "gb18030"}
    assert inspect(picture(size=(30, 20)), "a.jpg").detail == {"width": 30, "height": 20}


def test_every_kind_of_source_gives_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(JPEG)
    with path.open("rb") as file:
        file.read(100)
        assert inspect(path, "a.jpg") == inspect(JPEG, "a.jpg") == inspect(file, "a.jpg")
        assert file.read() == JPEG  # left at its beginning, to be stored
    stream = io.BytesIO(JPEG)
    assert inspect(stream, "a.jpg") == inspect(JPEG, "a.jpg") and stream.read() == JPEG


# --- pictures drawn anew ---


def photo_with_secrets(orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRETPHONE"
    exif.get_ifd(0x8825)[2] = (40.0, 49.0, 12.0)
    exif.get_ifd(0x8825)[1] = "N"
    return picture(size=(64, 32), exif=exif, comment=b"SECRETCOMMENT", icc_profile=b"SECRETPROFILE" * 9)


def test_a_photo_loses_place_device_and_comment_but_stands_upright() -> None:
    before = Image.open(io.BytesIO(photo_with_secrets()))
    assert before.getexif().get_ifd(0x8825)
    cleaned = clean_picture(photo_with_secrets())
    after = Image.open(io.BytesIO(cleaned.data))
    assert (cleaned.width, cleaned.height) == after.size == (32, 64)
    assert not after.getexif() and set(after.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"SECRET" not in cleaned.data and b"Exif" not in cleaned.data
    assert cleaned.kind == "jpeg" and cleaned.sha256 == hashlib.sha256(cleaned.data).hexdigest()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_shows_the_same_picture(orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.linear_gradient("L").resize((48, 24)).save(out, "JPEG", exif=exif, quality=95)
    seen = ImageOps.exif_transpose(Image.open(io.BytesIO(out.getvalue())))
    drawn = Image.open(io.BytesIO(clean_picture(out.getvalue()).data))
    assert drawn.size == seen.size
    assert max(abs(a - b) for a, b in zip(drawn.tobytes(), seen.tobytes(), strict=True)) < 12


def test_what_hides_behind_the_pixels_is_gone() -> None:
    assert b"HIDDEN" not in clean_picture(JPEG + b"HIDDEN" * 9).data
    hidden = png(1, 1, (b"tEXt", b"a\0HIDDEN"), (b"IDAT", zlib.compress(bytes(4))))
    assert b"HIDDEN" not in clean_picture(hidden).data


@pytest.mark.parametrize(
    ("form", "mode", "kind"),
    [
        ("PNG", "RGBA", "png"),
        ("PNG", "P", "png"),
        ("PNG", "1", "png"),
        ("PNG", "I;16", "png"),
        ("WEBP", "RGB", "jpeg"),
        ("WEBP", "RGBA", "png"),
        ("JPEG", "CMYK", "jpeg"),
        ("JPEG", "L", "jpeg"),
    ],
)
def test_every_mode_of_picture_can_be_drawn(form: str, mode: str, kind: str) -> None:
    out = io.BytesIO()
    image = Image.new(mode, (20, 10)) if mode == "I;16" else Image.effect_noise((20, 10), 50).convert(mode)
    if mode == "RGBA":
        image.putalpha(100)
    image.save(out, form)
    cleaned = clean_picture(out.getvalue())
    assert cleaned.kind == kind and Image.open(io.BytesIO(cleaned.data)).size == (20, 10)


def test_a_bomb_is_not_drawn() -> None:
    with pytest.raises(UploadRefused) as refused:
        clean_picture(png(50_000, 50_000, (b"IDAT", zlib.compress(bytes(1000)))))
    assert refused.value.code == "pixels"
    with pytest.raises(UploadRefused):
        clean_picture(pdf())


# --- names ---


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("户口簿.jpg", "户口簿.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\王\\身份证 正面.JPG", "身份证 正面.jpg"),
        ("发票\u202egpj.exe", "发票gpj.jpg"),
        ("a\x00b\r\nc.jpg", "abc.jpg"),
        ("...隐藏.jpg", "隐藏.jpg"),
        ("CON.jpg", "_CON.jpg"),
        ("lpt¹.txt.jpg", "_lpt¹.txt.jpg"),
        ("", "文件.jpg"),
        ("\u200b\ufeff.jpg", "文件.jpg"),
        ("..", "文件.jpg"),
        ('a<b>:"c"|?*.jpg', "a_b___c____.jpg"),
        ("=cmd|calc.jpg", "_cmd_calc.jpg"),
        ("-rf.jpg", "_rf.jpg"),
        ("  多　个   空格 .jpg", "多 个 空格.jpg"),
        ("ᠮᠣᠩᠭᠣᠯ\u202fᠤᠨ ᠪᠢᠴᠢᠭ\u180eᠡ.jpg", "ᠮᠣᠩᠭᠣᠯ\u202fᠤᠨ ᠪᠢᠴᠢᠭ\u180eᠡ.jpg"),
        ("𠮷野.jpg", "𠮷野.jpg"),
        ("e\u0301.jpg", "é.jpg"),
    ],
)
def test_names_are_neutral_and_keep_their_chinese(name: str, safe: str) -> None:
    assert neutral_name(name, "jpg") == safe


def test_long_names_are_cut_without_losing_the_extension() -> None:
    safe = neutral_name("很长的名字" * 100 + ".pdf", "pdf")
    assert safe.endswith(".pdf") and len(safe) <= 100 and len(safe.encode()) <= 240 and safe.startswith("很长的名字")


# --- HEIC ---

# 64 × 64 pixels, made once with libheif; carries EXIF with a place.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAZdtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ADRpbG9jAAAAAERAAAIAAQAAAAABuwABAAAAAAAAABcAAgAAAAAB0gABAAAAAAAAAE4AAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmNDAQNwAAAA"
    "kAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq"
    "SSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBw"
    "aXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAAbW1kYXQAAAATKAGv"
    "C2D6xsHX//xv/ZkGGvtO3AAAAAZFeGlmAABNTQAqAAAACAACAQ8AAgAAAAwAAAAmiCUABAAAAAEAAAAyAAAAAFNFQ1JFVFBIT05F"
    "AAABAAEAAgAAAAJOAAAAAAAAAA=="
)


def has_heif() -> bool:
    try:
        __import__("pi_heif")
    except ImportError:
        try:
            __import__("pillow_heif")
        except ImportError:
            return False
    return True


def test_heic_is_read_where_it_can_be_and_explained_where_not() -> None:
    if has_heif():
        assert inspect(HEIC, "IMG_0001.HEIC").kind == "heic"
        assert clean_picture(HEIC).kind == "jpeg" and b"Exif" not in clean_picture(HEIC).data
    else:
        with pytest.raises(UploadRefused) as refused:
            inspect(HEIC, "IMG_0001.HEIC")
        assert refused.value.code == "heic" and "JPEG" in refused.value.zh
