"""The door for files from outside: what is taken, under which name, and why the rest is refused.

``inspect`` says what a file is by its content, never by its name, and refuses what could harm: bombs, macros, scripts,
two files in one, names that lead elsewhere. ``clean_picture`` draws a picture anew, so that place, device and anything
hidden behind the pixels are gone. This process only measures, hashes and looks at the first bytes; whatever has to be
opened is opened by ``upload_worker`` in a process with little memory, little time and no network.

    accepted = inspect(request.FILES["file"], request.FILES["file"].name)
    if accepted.kind in PICTURES:
        data = clean_picture(request.FILES["file"]).data

Clause: reliability.md T16.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from jiuji.rulebook.errors import JiujiError
from jiuji.web import upload_worker
from jiuji.web.upload_worker import CHUNK, EICAR, KINDS, PICTURES, Limits, MiB, limits_as_data, sniff

__all__ = [
    "KINDS",
    "PICTURES",
    "REFUSALS",
    "Accepted",
    "CleanPicture",
    "Limits",
    "UploadCheckBroken",
    "UploadRefused",
    "clean_picture",
    "inspect",
    "neutral_name",
]

Source = Path | bytes | BinaryIO

MIME = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "zip": "application/zip",
}

# The first is the one that is given; the others may stand in a name too.
EXTENSIONS = {
    "jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "png": ("png",),
    "webp": ("webp",),
    "heic": ("heic", "heif", "hif"),
    "pdf": ("pdf",),
    "docx": ("docx",),
    "xlsx": ("xlsx",),
    "csv": ("csv", "txt", "tsv"),
    "zip": ("zip",),
}
KIND_OF = {extension: kind for kind, extensions in EXTENSIONS.items() for extension in extensions}

# Code: what is wrong and what to do, in Chinese and English. {part} is what it is about, {limit} the limit passed.
REFUSALS: dict[str, tuple[str, str]] = {
    "empty": (
        "文件是空的。请检查原文件后重新上传。",
        "The file is empty. Check the original and upload it again.",
    ),
    "size": (
        "文件超过 {limit}。请压缩图片或分成几份再上传。",
        "The file is larger than {limit}. Make the pictures smaller or upload it in parts.",
    ),
    "type": (
        "不接受这种文件（{part}）。请上传照片（JPEG、PNG、WebP）、PDF、Word（.docx）、Excel（.xlsx）或 CSV。",
        "Files of this type ({part}) are not taken. Upload a photo (JPEG, PNG, WebP), PDF, Word (.docx), Excel (.xlsx) or CSV.",
    ),
    "old-office": (
        "这是旧版 Office 文件（.doc、.xls）。请用 Office 或 WPS 另存为 .docx 或 .xlsx 后上传。",
        "This is an old Office file (.doc, .xls). Save it as .docx or .xlsx with Office or WPS, then upload that.",
    ),
    "heic": (
        "本系统暂不能读取 HEIC 照片。请在手机上选择“JPEG/兼容性最佳”格式，或截图后上传。",
        "HEIC photos cannot be read here. Choose JPEG (“Most Compatible”) on the phone, or upload a screenshot.",
    ),
    "extension": (
        "文件名与内容不符：名称为“.{part}”，内容不是。请上传原文件，不要改扩展名。",
        "The name and the content differ: the name says “.{part}”, the content is something else. Upload the original file without renaming it.",
    ),
    "damaged": (
        "文件已损坏或不完整。请重新拍照、扫描或导出后上传。",
        "The file is damaged or incomplete. Photograph, scan or export it again, then upload it.",
    ),
    "pixels": (
        "图片太大（{part}）。请用普通照片尺寸，不超过 {limit} 像素。",
        "The picture is too large ({part}). Use an ordinary photo of at most {limit} pixels.",
    ),
    "polyglot": (
        "文件里夹带了另一种内容（{part}）。请重新拍照或导出后上传。",
        "Another kind of content ({part}) is hidden in the file. Photograph or export it again, then upload it.",
    ),
    "encrypted": (
        "文件设有密码，无法核验。请去掉密码后上传。",
        "The file has a password and cannot be checked. Remove the password, then upload it.",
    ),
    "pages": (
        "PDF 有 {part} 页，超过 {limit} 页。请分成几份上传。",
        "The PDF has {part} pages, more than {limit}. Upload it in parts.",
    ),
    "pdf-script": (
        "PDF 里有脚本（{part}）。请用“打印为 PDF”重新生成后上传。",
        "The PDF contains a script ({part}). Make it anew with “Print to PDF”, then upload it.",
    ),
    "pdf-launch": (
        "PDF 会启动程序或打开其他文件（{part}）。请用“打印为 PDF”重新生成后上传。",
        "The PDF starts a program or opens another file ({part}). Make it anew with “Print to PDF”, then upload it.",
    ),
    "pdf-attachment": (
        "PDF 里夹带附件（{part}）。请用“打印为 PDF”重新生成，附件另行上传。",
        "The PDF carries an attachment ({part}). Make it anew with “Print to PDF” and upload the attachment by itself.",
    ),
    "entries": (
        "压缩包里的文件太多（{part} 个，上限 {limit} 个）。请分批上传。",
        "There are too many files in the package ({part}; at most {limit}). Upload it in parts.",
    ),
    "unpacked": (
        "展开后的内容太大（{part}，上限 {limit}）。请减少内容后上传。",
        "The content is too large once unpacked ({part}; at most {limit}). Upload less at a time.",
    ),
    "ratio": (
        "压缩比异常（{part}，上限 {limit}:1），疑似压缩炸弹。请上传正常保存的文件。",
        "The compression is abnormal ({part}; at most {limit}:1), as in a zip bomb. Upload a file saved in the usual way.",
    ),
    "nested": (
        "压缩包里还有压缩包或程序（{part}）。请先解开，只上传需要的文件。",
        "The package holds another package or a program ({part}). Unpack it first and upload only the files needed.",
    ),
    "path": (
        "压缩包里有不允许的文件名（{part}）。请重新打包后上传。",
        "The package holds a file name that is not allowed ({part}). Pack it again, then upload it.",
    ),
    "link": (
        "压缩包里有链接（{part}）。请放入文件本身后重新打包。",
        "The package holds a link ({part}). Put the file itself in and pack it again.",
    ),
    "zip-lies": (
        "压缩包内记录的大小与实际不符（{part}）。请重新打包或另存后上传。",
        "The sizes written in the package are not the real ones ({part}). Pack or save it again, then upload it.",
    ),
    "macro": (
        "文档含有宏或嵌入的对象（{part}）。请另存为不含宏的 .docx 或 .xlsx 后上传。",
        "The document contains macros or embedded objects ({part}). Save it as .docx or .xlsx without them, then upload it.",
    ),
    "external": (
        "文档会自动装入外部内容（{part}）。请断开外部链接后另存上传。",
        "The document loads content from elsewhere ({part}). Break the external links, save and upload it.",
    ),
    "xml": (
        "文档内部结构异常（{part}）。请用 Office 或 WPS 另存后上传。",
        "The document is built abnormally ({part}). Save it again with Office or WPS, then upload it.",
    ),
    "rows": (
        "表格超过 {limit} 行（{part}）。请分成几份上传。",
        "The table has more than {limit} rows ({part}). Upload it in parts.",
    ),
    "line": (
        "表格第 {part} 行超过 {limit} 个字符。请检查是否缺少换行。",
        "Line {part} of the table is longer than {limit} characters. Check for a missing line break.",
    ),
    "text": (
        "不能作为表格读取。请另存为 UTF-8 或 GB18030 编码的 CSV，各列用逗号分开。",
        "This cannot be read as a table. Save it as CSV in UTF-8 or GB18030 with commas between the columns.",
    ),
    "virus": (
        "文件含有病毒特征，已拒绝。请用杀毒软件检查您的设备。",
        "The file bears the mark of a virus and was refused. Check your device with an antivirus program.",
    ),
    "resources": (
        "检查此文件所需的内存过多，已拒绝。请缩小或分成几份后上传。",
        "Checking this file takes too much memory; it was refused. Make it smaller or upload it in parts.",
    ),
    "deadline": (
        "检查此文件用时过长，已拒绝。请缩小或分成几份后上传。",
        "Checking this file takes too long; it was refused. Make it smaller or upload it in parts.",
    ),
}


class UploadRefused(JiujiError):
    """The file is not taken; ``code`` is a key of ``REFUSALS``."""

    def __init__(self, zh: str, en: str, code: str) -> None:
        super().__init__(zh, en, key=code)
        self.code = code


class UploadCheckBroken(JiujiError):
    """No file can be checked now (a library is missing, no process can be started); never the fault of the file."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A file that may be taken. ``size`` in bytes; ``detail``: width and height, pages, rows and encoding, entries."""

    kind: str
    mime: str
    extension: str  # without the dot
    safe_name: str
    size: int
    sha256: str
    detail: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CleanPicture:
    """A picture drawn anew: pixels only."""

    data: bytes
    kind: str
    mime: str
    extension: str
    width: int
    height: int
    sha256: str


def refusal(code: str, part: str = "", limit: int = 0) -> UploadRefused:
    """The refusal in words. Unknown codes (a worker that was taken over) read as "damaged"."""
    if code not in REFUSALS:
        code, part = "damaged", ""
    shown = neutral_part(part)
    amount = f"{limit // MiB} MiB" if code in ("size", "unpacked") else f"{limit:,}"
    zh, en = (text.format(part=shown or "?", limit=amount) for text in REFUSALS[code])
    return UploadRefused(zh, en, code)


def inspect(source: Source, name: str, limits: Limits | None = None) -> Accepted:
    """What the file is and the name to show for it.

    Raises ``UploadRefused`` within ``limits.seconds`` and the time to read the file once.
    """
    limits = limits or Limits()
    with opened(source, limits) as file:
        size, digest, head = measure(file, limits)
        kind = sniff(head)
        refuse_by_first_bytes(kind, limits)
        answer = ask_worker("inspect", file, limits)
        kind = str(answer.get("kind", ""))
        if kind not in MIME or kind not in limits.kinds:
            raise refusal("type", kind)
    refuse_wrong_extension(name, kind)
    extension = EXTENSIONS[kind][0]
    return Accepted(
        kind=kind,
        mime=MIME[kind],
        extension=extension,
        safe_name=neutral_name(name, extension),
        size=size,
        sha256=digest,
        detail=answer.get("detail", {}),
    )


def clean_picture(source: Source, limits: Limits | None = None) -> CleanPicture:
    """The picture without EXIF, place and anything else beside its pixels, turned upright.

    JPEG, HEIC and WebP become JPEG; PNG and what is transparent become PNG. Raises ``UploadRefused``.
    """
    limits = limits or Limits()
    with opened(source, limits) as file, tempfile.TemporaryFile(prefix="jiuji-picture-") as out:
        measure(file, limits)
        answer = ask_worker("clean", file, limits, out)
        out.seek(0)
        data = out.read(8 * limits.bytes)
    kind = sniff(data[:64])
    if kind not in ("jpeg", "png") or kind != answer.get("kind"):
        raise refusal("damaged")
    return CleanPicture(
        data=data,
        kind=kind,
        mime=MIME[kind],
        extension=EXTENSIONS[kind][0],
        width=int(answer["detail"]["width"]),
        height=int(answer["detail"]["height"]),
        sha256=hashlib.sha256(data).hexdigest(),
    )


# --- reading ---


@contextlib.contextmanager
def opened(source: Source, limits: Limits) -> Iterator[BinaryIO]:
    """A real file open at its beginning, which a child process can be handed; never more than the limit is copied."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield file
        return
    stream: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source
    if stream.seekable():
        stream.seek(0)
    if is_real_file(stream):
        yield stream
        stream.seek(0)
        return
    with tempfile.TemporaryFile(prefix="jiuji-upload-") as copy:
        size = 0
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > limits.bytes:
                raise refusal("size", limit=limits.bytes)
            copy.write(chunk)
        copy.flush()
        copy.seek(0)
        yield copy
    if stream.seekable():
        stream.seek(0)


def is_real_file(stream: BinaryIO) -> bool:
    """Does the stream stand for a regular file of the system?"""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, AttributeError, ValueError):
        return False


def measure(file: BinaryIO, limits: Limits) -> tuple[int, str, bytes]:
    """Size, SHA-256 and first bytes; refuses what is empty, too large, or bears the EICAR mark."""
    file.seek(0)
    size, digest, head, tail = 0, hashlib.sha256(), b"", b""
    while chunk := file.read(CHUNK):
        size += len(chunk)
        if size > limits.bytes:
            raise refusal("size", limit=limits.bytes)
        digest.update(chunk)
        head = head or chunk[:4096]
        window = tail + chunk
        if EICAR in window:
            raise refusal("virus")
        tail = window[-len(EICAR) :]
    if not size:
        raise refusal("empty")
    return size, digest.hexdigest(), head


def refuse_by_first_bytes(kind: str, limits: Limits) -> None:
    """What no limit admits needs no worker."""
    if kind == "!old-office":
        raise refusal("old-office")
    packages = limits.kinds & {"zip", "docx", "xlsx"}
    wanted = {"zip": bool(packages), "text": "csv" in limits.kinds}.get(kind, kind in limits.kinds)
    if not wanted:
        raise refusal("type", kind.lstrip("!").upper())


# --- the worker ---


def ask_worker(job: str, file: BinaryIO, limits: Limits, out: BinaryIO | None = None) -> dict[str, Any]:
    """Start the worker on the file and take its answer; whatever is not a clear "taken" is a refusal."""
    order: dict[str, Any] = {"job": job, "limits": limits_as_data(limits)}
    handed: tuple[int, ...] = ()
    if out is not None:
        order["out"] = out.fileno()
        handed = (out.fileno(),)
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-X", "utf8", str(Path(upload_worker.__file__)), json.dumps(order)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=handed,
            timeout=limits.seconds,
            cwd="/",
            env={"MALLOC_ARENA_MAX": "1", "LC_ALL": "C.UTF-8"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise refusal("deadline") from None
    except OSError as error:
        raise broken(str(error)) from error
    if done.returncode < 0:
        # Killed by the system: out of processor time, or out of memory inside a decoder.
        raise refusal("deadline" if -done.returncode in (9, 24) else "resources")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise broken(f"exit {done.returncode}") if done.returncode else refusal("damaged")
    if "broken" in answer:
        raise broken(str(answer["broken"]))
    if "refused" in answer:
        raise refusal(str(answer["refused"]), str(answer.get("part", "")), int(answer.get("limit") or 0))
    return answer


def broken(why: str) -> UploadCheckBroken:
    """The check itself cannot run."""
    return UploadCheckBroken(
        f"目前无法检查上传的文件（{why}）。请通知系统管理员；文件未保存。",
        f"Uploaded files cannot be checked at present ({why}). Tell the system administrator; nothing was saved.",
    )


# --- names ---

RESERVED = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])$", re.IGNORECASE)
# Format characters without which Mongolian script falls apart; elsewhere they are dropped like the rest.
MONGOLIAN_JOINERS = "\u180e\u200c\u200d\u202f"
LONGEST_NAME = 100  # characters, the extension included
LONGEST_BYTES = 240  # of UTF-8; file systems end at 255


def split_name(name: str) -> tuple[str, str]:
    """Stem and extension; 2–5 ASCII letters are one (and ``7z``, ``mp4``), the end of a date or a version is not."""
    last = re.split(r"[/\\]", name)[-1].rstrip(" .")
    match = re.fullmatch(r"(.*)\.([A-Za-z]{2,5}|7z|mp[34])", last, re.DOTALL)
    return (match[1], match[2].lower()) if match else (last, "")


def refuse_wrong_extension(name: str, kind: str) -> None:
    """A name may lack an extension, but may not claim another kind. Pictures pass for one another: chat programs rename them."""
    extension = split_name(drop_invisible(name))[1]
    claimed = KIND_OF.get(extension, extension)
    if claimed and claimed != kind and not {claimed, kind} <= PICTURES:
        raise refusal("extension", extension)


def drop_invisible(name: str) -> str:
    """Without control, format (bidi overrides, zero width), private and unassigned characters."""
    mongolian = any("\u1800" <= character <= "\u18af" for character in name)
    kept = (
        character
        for character in unicodedata.normalize("NFC", name)
        if (mongolian and character in MONGOLIAN_JOINERS)
        or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    return "".join(kept)


def neutral_name(name: str, extension: str) -> str:
    """A name to show and to offer for saving on any system: one part, no tricks, Chinese kept, this extension.

    >>> neutral_name("../../户口簿\\u202egpj.exe", "jpg")
    '户口簿gpj.jpg'
    """
    stem = split_name(drop_invisible(name))[0]
    stem = re.sub(r'[<>:"|?*\x00-\x1f]', "_", stem)
    stem = re.sub(r"[^\S\u202f]+", " ", stem).strip(" .")
    stem = re.sub(r"^[-~$=+@]+", "_", stem)
    room = LONGEST_NAME - len(extension) - 1
    stem = stem[:room]
    while len(stem.encode()) + len(extension) + 1 > LONGEST_BYTES or (stem and unicodedata.combining(stem[-1])):
        stem = stem[:-1]
    stem = stem.rstrip(" .")
    if not stem:
        stem = "文件"
    if RESERVED.match(stem.split(".")[0].strip()):
        stem = f"_{stem}"
    return f"{stem}.{extension}"


def neutral_part(part: str) -> str:
    """A piece of the file (an entry's name, say) as it may be shown: short, no tricks."""
    clean = re.sub(r"\s+", " ", drop_invisible(part)).strip()
    return clean if len(clean) <= 60 else f"{clean[:59]}…"
