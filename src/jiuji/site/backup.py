"""Backup, restore, drill: one encrypted file that says what it holds and notices every changed byte.

``backup`` takes a consistent picture of the running database (SQLite's backup API; ``pg_dump`` from an exported
snapshot on PostgreSQL) and then every file of the media folder, and writes them with a manifest into one file.
``restore`` puts them into an empty place and compares them with the manifest. ``drill`` does the same in a temporary
place and reports: a backup counts only after a drill.

The file, so that it can be opened without this program, too::

    jiuji-backup/1⏎                     15 bytes
    length of the wrapped key           4 bytes, big-endian (0 where a recipient's key locks the payload)
    wrapped key                         an age file: the payload's key under the passphrase
    payload                             an age file (ChaCha20-Poly1305, X25519) that holds a tar:
                                            database.sqlite3 or database.dump, media/…, manifest.json
    checks                              8 bytes of BLAKE2b for every 4,096 bytes before
    check of the checks                 16 bytes of BLAKE2b

    by hand, with a recipient's key:  tail -c +20 FILE | age -d -i key.txt | tar -x      (a complaint about the end is due)

The checks need no key: whoever keeps the file can tell whether it is still whole (``check_seal``), and which byte is
not. They are no defence against a forger; that is the encryption's part, which is authenticated throughout.

A recipient's key is the better lock: the machine that makes backups can then not read them, nor can its thief.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import pyrage

from jiuji import __version__
from jiuji.rulebook.errors import JiujiError

__all__ = [
    "BackupDamaged",
    "BackupError",
    "Chain",
    "DrillReport",
    "Manifest",
    "NotEmpty",
    "Place",
    "WrongKey",
    "backup",
    "check_seal",
    "drill",
    "new_key",
    "restore",
]

MAGIC = b"jiuji-backup/1\n"
BLOCK = 4096  # bytes that one check covers
CHECK = 8  # bytes of one check
SEAL = 16  # bytes of the check of the checks
CHUNK = 1 << 20
SHORTEST_PASSPHRASE = 12
FORMAT = 1

Database = Path | str  # a SQLite file, or a PostgreSQL address (postgresql://… or host=… dbname=…)


# --- errors ---


class BackupError(JiujiError):
    """A backup that cannot be made, or not be restored."""


class WrongKey(BackupError):
    """The passphrase or key does not open this backup; the file itself is whole."""


class NotEmpty(BackupError):
    """The place to restore to holds something already. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Bytes ``start`` to ``end`` (exclusive, from 0) that are not as written; one byte, with what it was, if it is one."""

    start: int
    end: int
    was: int | None = None
    now: int | None = None

    def text(self, lang: str) -> str:
        """The place in words."""
        if self.was is not None and self.now is not None:
            zh = f"第 {self.start:,} 字节应为 0x{self.was:02x}，现为 0x{self.now:02x}"
            en = f"byte {self.start:,} should be 0x{self.was:02x} and is 0x{self.now:02x}"
        else:
            zh = f"第 {self.start:,} 至 {self.end - 1:,} 字节"
            en = f"bytes {self.start:,} to {self.end - 1:,}"
        return zh if lang == "zh" else en


class BackupDamaged(BackupError):
    """The file is not as it was written; ``places`` says where, ``member`` (where known) which content begins to fail."""

    def __init__(self, source: Path, places: Sequence[Place], member: str = "") -> None:
        self.places = tuple(places)
        self.member = member
        shown = self.places[:5]
        more = len(self.places) - len(shown)
        zh = "；".join(p.text("zh") for p in shown) + (f"；另有 {more} 处" if more else "")
        en = "; ".join(p.text("en") for p in shown) + (f"; and {more} more places" if more else "")
        super().__init__(
            f"备份文件已损坏：{source}：{zh}{f'（在 {member} 中）' if member else ''}。未恢复任何内容；请改用另一份备份。",
            f"The backup is damaged: {source}: {en}{f' (in {member})' if member else ''}. "
            "Nothing was restored; use another backup.",
        )


# --- what is told ---


@dataclass(frozen=True, slots=True)
class Chain:
    """A table of records chained by hash, whose last record is to be noted: one head for each value of ``by``."""

    table: str
    order: str
    hash: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. Digests are SHA-256; a table's is over its rows in key order."""

    made_at: str
    engine: str  # "sqlite" or "postgresql"
    database: Mapping[str, Any]  # name, size, sha256 of the file within the backup
    schema: str
    tables: Mapping[str, Mapping[str, Any]]  # name: rows, sha256
    heads: Mapping[str, Mapping[str, Any]]  # table, or table:chain: number, hash
    media: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # path: size, sha256
    vanished: Sequence[str] = ()  # files deleted while the backup ran
    version: str = __version__
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table["rows"] for table in self.tables.values())

    def to_json(self) -> bytes:
        """The manifest as it is written."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """The manifest as it was written; raises ``BackupError`` on one of a later program."""
        read = json.loads(data)
        if read.get("format", 0) > FORMAT:
            raise BackupError(
                f"此备份由更新的版本（{read.get('version')}）制作。请先升级再恢复。",
                f"This backup was made by a later version ({read.get('version')}). Upgrade first, then restore.",
            )
        return cls(**read)


@dataclass(frozen=True, slots=True)
class DrillReport:
    """Outcome of a drill: what was restored, how long it took, and what did not agree (empty when all is well)."""

    source: Path
    manifest: Manifest
    seconds: float
    problems: tuple[tuple[str, str], ...] = ()  # (zh, en)

    @property
    def ok(self) -> bool:
        """Would this backup have saved us?"""
        return not self.problems

    def text(self, lang: str = "zh") -> str:
        """The report as printed."""
        m = self.manifest
        zh, en = lang == "zh", lang != "zh"
        lines = [
            ("演练通过" if self.ok else "演练未通过") if zh else ("Drill passed" if self.ok else "Drill FAILED"),
            f"备份 {self.source}（{m.made_at}，版本 {m.version}）"
            if zh
            else f"Backup {self.source} ({m.made_at}, version {m.version})",
            f"{len(m.tables)} 张表 {m.rows:,} 行，{len(m.media)} 个文件，用时 {self.seconds:.1f} 秒"
            if zh
            else f"{len(m.tables)} tables with {m.rows:,} rows, {len(m.media)} files, in {self.seconds:.1f} s",
        ]
        lines += [
            f"链头 {name} 第 {head['number']} 号 {head['hash']}"
            if zh
            else f"Chain head {name} number {head['number']} {head['hash']}"
            for name, head in m.heads.items()
        ]
        if m.vanished:
            lines.append(
                f"备份期间被删除的文件：{'、'.join(m.vanished)}"
                if zh
                else f"Deleted while the backup ran: {', '.join(m.vanished)}"
            )
        return "\n".join(lines + [problem[en] for problem in self.problems])


# --- the three verbs ---


def new_key() -> tuple[str, str]:
    """A new pair: the secret (kept off the machine, printed and in a safe) and the recipient that locks backups."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def backup(
    target: Path,
    database: Database,
    media_root: Path | None,
    *,
    passphrase: str | None = None,
    recipients: str | Sequence[str] = (),
    chains: Sequence[Chain] = (),
    now: datetime | None = None,
) -> Manifest:
    """Write a consistent backup of the running system to ``target``, which must not exist yet.

    Exactly one lock: a passphrase, or one or several recipients (``age1…``; each can open it alone). Until it is
    complete and on the disk the file bears another name. Raises ``BackupError``.
    """
    if target.exists():
        raise NotEmpty(
            f"文件已存在：{target}。不会覆盖旧备份，请换一个文件名。",
            f"The file exists: {target}. An earlier backup is never overwritten; choose another name.",
        )
    lock = make_lock(passphrase, recipients)
    postgres = is_postgres(database)
    beside = None if postgres else Path(database).parent
    partial = target.with_name(f".{target.name}.partial")
    with workplace(beside, "backup") as work, exclusive(partial) as out:
        try:
            snapshot = work / ("database.dump" if postgres else "database.sqlite3")
            if postgres:
                found = dump_postgres(str(database), snapshot, chains)
            else:
                copy_sqlite(Path(database), snapshot)
                found = describe_sqlite(snapshot, chains)
            manifest = Manifest(
                made_at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
                engine="postgresql" if postgres else "sqlite",
                database=describe_file(snapshot),
                **found,
            )
            packing = Packing(snapshot, media_root, manifest)
            seal(out, lock, packing.stream())
            os.fsync(out.fileno())
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise BackupError(
                f"无法写入备份 {target}：{error.strerror or error}。请检查磁盘空间和权限；没有留下不完整的备份。",
                f"The backup {target} cannot be written: {error.strerror or error}. Check disk space and permissions; no incomplete backup was left.",
            ) from error
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        os.rename(partial, target)
    sync_folder(target.parent)
    return packing.manifest


def restore(
    source: Path,
    database: Database,
    media_root: Path,
    *,
    passphrase: str | None = None,
    identity: str | None = None,
) -> Manifest:
    """Restore to a SQLite path that does not exist, or an empty PostgreSQL database, and an empty media folder.

    The file is checked whole before anything is written; what is written appears under its names only after it was
    compared with the manifest. Raises ``NotEmpty``, ``BackupDamaged``, ``WrongKey`` or ``BackupError``.
    """
    refuse_occupied(database, media_root)
    key = open_lock(source, passphrase, identity)
    made = not media_root.exists()
    media_root.mkdir(parents=True, exist_ok=True)
    beside = None if is_postgres(database) else Path(database).parent
    try:
        with workplace(beside, "restore") as work, workplace(media_root, "restore") as media:
            manifest = unpack(source, key, work, media)
            problems = compare_media(manifest, media)
            staged = work / manifest.database["name"]
            if is_postgres(database) != (manifest.engine == "postgresql"):
                raise BackupError(
                    f"此备份来自 {manifest.engine}，不能恢复到所给的数据库。请换成同类数据库。",
                    f"This backup is of {manifest.engine} and cannot be restored to the database given. Name one of that kind.",
                )
            if not staged.is_file() or describe_file(staged) != dict(manifest.database):
                problems.append(differs("database", "数据库文件", "the database file"))
            elif not is_postgres(database):
                problems += compare_database(manifest, describe_sqlite(staged, chains_of(manifest)))
            refuse_problems(source, problems)
            if is_postgres(database):
                restore_postgres(str(database), staged, manifest, source)
            for child in sorted(media.iterdir()):
                os.rename(child, media_root / child.name)
            if not is_postgres(database):
                os.rename(staged, Path(database))
                sync_folder(Path(database).parent)
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                media_root.rmdir()
        raise
    sync_folder(media_root)
    return manifest


def drill(
    source: Path,
    *,
    passphrase: str | None = None,
    identity: str | None = None,
    heads: Mapping[str, str] | None = None,
    scratch: str | None = None,
    inspect: Callable[[Database, Path], Sequence[tuple[str, str]]] | None = None,
    place: Path | None = None,
) -> DrillReport:
    """Restore to a temporary place, compare, report, and leave nothing behind.

    ``heads``: hashes of chain heads noted elsewhere (on paper, on the neighbour's machine) when the backup was made.
    ``scratch``: an empty PostgreSQL database, emptied again afterwards; needed for a backup of PostgreSQL.
    ``inspect``: further checks on the restored database and media folder; returns problems as (zh, en).
    ``place``: a folder with room for it (the system's temporary folder otherwise).

    A damaged backup or a wrong key raises as ``restore`` does; what is restored but wrong stands in the report.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jiuji-drill-", dir=place) as folder:
        database: Database = scratch or Path(folder) / "database.sqlite3"
        media = Path(folder) / "media"
        manifest = restore(source, database, media, passphrase=passphrase, identity=identity)
        try:
            if is_postgres(database):
                found = describe_postgres_at(str(database), chains_of(manifest))
            else:
                found = describe_sqlite(Path(database), chains_of(manifest))
            problems = compare_database(manifest, found) + compare_media(manifest, media)
            for name, expected in (heads or {}).items():
                head = manifest.heads.get(name)
                if head is None or head["hash"] != expected:
                    problems.append(
                        (
                            f"链头 {name} 与另存的不符：应为 {expected}，备份中为 {head and head['hash']}",
                            f"Chain head {name} is not the one noted elsewhere: {expected}, in the backup {head and head['hash']}",
                        )
                    )
            problems += list(inspect(database, media)) if inspect else []
        finally:
            if is_postgres(database):
                empty_postgres(str(database))
    return DrillReport(source, manifest, time.monotonic() - start, tuple(problems))


# --- locks ---


@dataclass(frozen=True, slots=True)
class Lock:
    """What a payload is encrypted to, and the wrapped key that goes before it (empty for recipients)."""

    recipients: list[Any]
    wrapped: bytes


def make_lock(passphrase: str | None, recipients: str | Sequence[str]) -> Lock:
    """The lock of a new backup."""
    names = [recipients] if isinstance(recipients, str) else list(recipients)
    if (passphrase is None) == (not names):
        raise BackupError(
            "请给出口令或接收者公钥（二者选一）。备份必须加密。",
            "Give either a passphrase or a recipient's key. A backup is always encrypted.",
        )
    if passphrase is None:
        try:
            return Lock([pyrage.x25519.Recipient.from_str(name.strip()) for name in names], b"")
        except pyrage.RecipientError as error:
            raise BackupError(
                f"接收者公钥无效（{error}）。它应以 age1 开头。",
                f"The recipient's key is not valid ({error}). It begins with age1.",
            ) from None
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise BackupError(
            f"口令至少 {SHORTEST_PASSPHRASE} 个字符。",
            f"The passphrase needs at least {SHORTEST_PASSPHRASE} characters.",
        )
    # A passphrase alone would have to encrypt everything in memory; it wraps a key made for this one file instead.
    identity = pyrage.x25519.Identity.generate()
    wrapped = pyrage.passphrase.encrypt(str(identity).encode(), unicodedata.normalize("NFC", passphrase))
    return Lock([identity.to_public()], wrapped)


def open_lock(source: Path, passphrase: str | None, identity: str | None) -> Any:
    """The identity that opens a backup, once the file has been found whole."""
    if (passphrase is None) == (identity is None):
        raise BackupError("请给出口令或密钥（二者选一）。", "Give either the passphrase or the key.")
    places = check_seal(source)
    key: Any = None
    error: WrongKey | None = None
    try:
        key = read_key(source, passphrase, identity)
        if not places:
            try_key(source, key)
    except WrongKey as wrong:
        error = wrong
    if places:
        raise BackupDamaged(source, places, first_failing(source, key) if key else "")
    if error:
        raise error
    return key


def read_key(source: Path, passphrase: str | None, identity: str | None) -> Any:
    """The identity given, or the one wrapped in the file. Raises ``WrongKey``."""
    wrong = WrongKey(
        f"口令或密钥不对，无法打开 {source}。文件本身完好；请核对口令或换用正确的密钥。",
        f"The passphrase or key does not open {source}. The file itself is whole; check the passphrase or take the right key.",
    )
    wrapped, _ = layout(source)
    try:
        if identity is not None:
            if wrapped:
                raise wrong
            return pyrage.x25519.Identity.from_str(identity.strip())
        if not wrapped:
            raise wrong
        plain = pyrage.passphrase.decrypt(wrapped, unicodedata.normalize("NFC", cast(str, passphrase)))
        return pyrage.x25519.Identity.from_str(plain.decode())
    except (pyrage.DecryptError, pyrage.IdentityError):
        raise wrong from None


def try_key(source: Path, key: Any) -> None:
    """Decrypt the beginning. Raises ``WrongKey``."""
    try:
        with decrypting(source, key) as stream:
            stream.read(1)
    except Undecipherable:
        raise WrongKey(
            f"密钥不对，无法打开 {source}。文件本身完好；请换用正确的密钥。",
            f"The key does not open {source}. The file itself is whole; take the right key.",
        ) from None


# --- the sealed file ---


class Sealing(io.RawIOBase):
    """Writes on, and keeps a check of every block."""

    def __init__(self, out: BinaryIO) -> None:
        self.out, self.checks, self.waiting = out, bytearray(), bytearray()
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """All of it. Keeps the error that the disk gave."""
        try:
            self.out.write(data)
        except OSError as error:
            self.error = error
            raise
        self.waiting += data
        whole = len(self.waiting) // BLOCK * BLOCK
        with memoryview(self.waiting) as view:
            for at in range(0, whole, BLOCK):
                self.checks += check_of(view[at : at + BLOCK])
        del self.waiting[:whole]
        return len(data)

    def finish(self) -> None:
        """The checks and the check of the checks."""
        if self.waiting:
            self.checks += check_of(self.waiting)
        self.out.write(self.checks)
        self.out.write(hashlib.blake2b(self.checks, digest_size=SEAL).digest())
        self.out.flush()


class Pull(io.RawIOBase):
    """A stream that is read from pieces as they come; keeps the error that ended them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.rest = pieces, memoryview(b"")
        self.error: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes."""
        try:
            while not self.rest:
                self.rest = memoryview(next(self.pieces))
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        taken, self.rest = self.rest[:size], self.rest[size:]
        return bytes(taken)


def check_of(block: Any) -> bytes:
    """Eight bytes that no accident reproduces."""
    return hashlib.blake2b(block, digest_size=CHECK).digest()


def seal(out: BinaryIO, lock: Lock, pieces: Iterator[bytes]) -> None:
    """Encrypt the pieces into the file, with the checks behind."""
    sealing = Sealing(out)
    sealing.write(MAGIC + len(lock.wrapped).to_bytes(4, "big") + lock.wrapped)
    pull = Pull(pieces)
    try:
        pyrage.encrypt_io(pull, sealing, lock.recipients)
    except Exception:
        cause = pull.error or sealing.error
        if cause is not None:
            raise cause from None
        raise
    sealing.finish()


def sealed_length(size: int) -> int:
    """Bytes before the checks, from the size of the whole file; -1 if no backup has that size."""
    body = size - SEAL
    length = body * BLOCK // (BLOCK + CHECK)
    for candidate in range(max(0, length - BLOCK), length + 2):
        if candidate + CHECK * -(-candidate // BLOCK) == body:
            return candidate
    return -1


def layout(source: Path) -> tuple[bytes, int]:
    """The wrapped key and the offset of the payload."""
    with source.open("rb") as file:
        head = file.read(len(MAGIC) + 4)
        length = min(int.from_bytes(head[-4:], "big"), 4096)
        return file.read(length), len(head) + length


def check_seal(source: Path) -> list[Place]:
    """The places at which the file is not as it was written; none if it is whole. Needs no key.

    Raises ``BackupError`` for a file that cannot be read or never was a backup.
    """
    try:
        size = source.stat().st_size
        file = source.open("rb")
    except OSError as error:
        raise BackupError(
            f"无法读取备份 {source}：{error.strerror}。",
            f"The backup {source} cannot be read: {error.strerror}.",
        ) from None
    with file:
        length = sealed_length(size)
        file.seek(max(0, length))
        checks = file.read(size - SEAL - length) if length >= 0 else b""
        whole = length >= 0 and hashlib.blake2b(checks, digest_size=SEAL).digest() == file.read(SEAL)
        file.seek(0)
        if not whole:
            if file.read(len(MAGIC)) != MAGIC:
                raise BackupError(f"{source} 不是 Jiuji 的备份文件。", f"{source} is no backup made by Jiuji.")
            return [end_is_damaged(file, size, length, checks)]
        damaged = [
            at // CHECK * BLOCK
            for at in range(0, len(checks), CHECK)
            if check_of(file.read(min(BLOCK, length - at // CHECK * BLOCK))) != checks[at : at + CHECK]
        ]
        if len(damaged) == 1:
            file.seek(damaged[0])
            block = file.read(min(BLOCK, length - damaged[0]))
            at = damaged[0] // BLOCK * CHECK
            return [one_byte(block, checks[at : at + CHECK], damaged[0]) or Place(damaged[0], damaged[0] + len(block))]
    return merged(damaged, length)


def end_is_damaged(file: BinaryIO, size: int, length: int, checks: bytes) -> Place:
    """Where among the checks the damage is: one entry that fits no block, or else the end (cut short, or changed)."""
    wrong = []
    if length >= 0:
        for at in range(0, len(checks), CHECK):
            if check_of(file.read(min(BLOCK, length - at // CHECK * BLOCK))) != checks[at : at + CHECK]:
                wrong.append(at)
            if len(wrong) > 1:
                break
    if len(wrong) == 1:
        return Place(length + wrong[0], length + wrong[0] + CHECK)
    return Place(size - SEAL if not wrong and length >= 0 else max(0, length), size)


def one_byte(block: bytes, check: bytes, offset: int) -> Place | None:
    """The single byte whose change explains the damage, found by trying each (a second or two), if there is one."""
    for at, now in enumerate(block):
        before = hashlib.blake2b(block[:at], digest_size=CHECK)
        after = block[at + 1 :]
        for was in range(256):
            hashed = before.copy()
            hashed.update(bytes((was,)))
            hashed.update(after)
            if hashed.digest() == check:
                return Place(offset + at, offset + at + 1, was, now)
    return None


def merged(blocks: Sequence[int], length: int) -> list[Place]:
    """Neighbouring blocks as one place."""
    places: list[Place] = []
    for start in blocks:
        end = min(start + BLOCK, length)
        if places and places[-1].end == start:
            places[-1] = Place(places[-1].start, end)
        else:
            places.append(Place(start, end))
    return places


# --- packing ---


class Packing:
    """The tar of a backup as a stream; ``manifest`` is complete once the stream has ended."""

    def __init__(self, snapshot: Path, media_root: Path | None, manifest: Manifest) -> None:
        self.snapshot, self.media_root, self.manifest = snapshot, media_root, manifest

    def stream(self) -> Iterator[bytes]:
        """Database, media, manifest."""
        with self.snapshot.open("rb") as file:
            yield from member(self.snapshot.name, file, hashlib.sha256())
        media: dict[str, dict[str, Any]] = {}
        vanished: list[str] = []
        for path, name in media_files(self.media_root) if self.media_root else ():
            digest = hashlib.sha256()
            try:
                file = path.open("rb")
            except FileNotFoundError:
                vanished.append(name)
                continue
            with file:
                yield from member(f"media/{name}", file, digest)
                media[name] = {"size": os.fstat(file.fileno()).st_size, "sha256": digest.hexdigest()}
        told = asdict(self.manifest) | {"media": media, "vanished": vanished}
        self.manifest = Manifest(**told)
        written = self.manifest.to_json()
        yield from member_of_bytes("manifest.json", written)
        yield bytes(2 * tarfile.BLOCKSIZE)


def member(name: str, file: BinaryIO, digest: Any) -> Iterator[bytes]:
    """A file of the tar: header, exactly as many bytes as the header says, padding."""
    status = os.fstat(file.fileno())
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = status.st_size, int(status.st_mtime), 0o600
    yield entry.tobuf(tarfile.PAX_FORMAT)
    left = entry.size
    while left:
        piece = file.read(min(CHUNK, left))
        if not piece:
            raise BackupError(
                f"文件 {name} 在备份过程中变短了。请稍后重试。",
                f"The file {name} became shorter while it was backed up. Try again later.",
            )
        digest.update(piece)
        left -= len(piece)
        yield piece
    if entry.size % tarfile.BLOCKSIZE:
        yield bytes(tarfile.BLOCKSIZE - entry.size % tarfile.BLOCKSIZE)


def member_of_bytes(name: str, data: bytes) -> Iterator[bytes]:
    """A file of the tar from memory."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    yield entry.tobuf(tarfile.PAX_FORMAT)
    yield data
    if len(data) % tarfile.BLOCKSIZE:
        yield bytes(tarfile.BLOCKSIZE - len(data) % tarfile.BLOCKSIZE)


def media_files(root: Path) -> Iterator[tuple[Path, str]]:
    """Every file below the media folder with its name there, in order. A link is an error: it leads who knows where."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".jiuji-"))
        for name in sorted(names) + [name for name in folders if (Path(folder) / name).is_symlink()]:
            path = Path(folder) / name
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise BackupError(
                    f"文件目录中有链接或特殊文件：{path}。请移走后重试。",
                    f"The media folder holds a link or a special file: {path}. Remove it and try again.",
                )
            yield path, path.relative_to(root).as_posix()


def describe_file(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return {"name": path.name, "size": path.stat().st_size, "sha256": digest.hexdigest()}


# --- unpacking ---


class Undecipherable(Exception):
    """The payload does not open, or not to its end."""


@contextlib.contextmanager
def decrypting(source: Path, key: Any) -> Iterator[BinaryIO]:
    """The payload in the clear, as a stream. Raises ``Undecipherable`` at the end of the block.

    Reading on to the end of the stream is what authenticates the last piece.
    """
    _, start = layout(source)
    end = sealed_length(source.stat().st_size)
    reading, writing = os.pipe()
    failure: list[BaseException] = []

    def pieces() -> Iterator[bytes]:
        with source.open("rb") as file:
            file.seek(start)
            left = end - start
            while left > 0 and (piece := file.read(min(CHUNK, left))):
                left -= len(piece)
                yield piece

    def work() -> None:
        try:
            with os.fdopen(writing, "wb") as out:
                pyrage.decrypt_io(Pull(pieces()), out, [key])
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work, name="jiuji-decrypt", daemon=True)
    thread.start()
    early: Exception | None = None
    try:
        with os.fdopen(reading, "rb") as stream:
            try:
                yield stream
            except (tarfile.TarError, EOFError) as error:
                early = error  # the stream ended before the tar did: what decryption says comes first
    finally:
        thread.join()
    # A reader that had enough closes the pipe; that is no fault of the payload.
    if failure and "broken pipe" not in str(failure[0]).lower():
        raise Undecipherable(str(failure[0])) from failure[0]
    if early is not None:
        raise Undecipherable(str(early)) from early


def members(stream: BinaryIO) -> Iterator[tuple[str, int, BinaryIO]]:
    """Name, time and content of every file of the tar; nothing but plain files with plain names."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isreg() else None
            parts = PurePosixPath(entry.name).parts
            if content is None or not parts or parts[0] == "/" or ".." in parts:
                raise tarfile.ReadError(entry.name)
            yield entry.name, int(entry.mtime), cast(BinaryIO, content)
    while stream.read(CHUNK):
        pass


def unpack(source: Path, key: Any, work: Path, media: Path) -> Manifest:
    """Decrypt to the two work folders; the manifest. Raises ``BackupDamaged`` if anything fails to authenticate."""
    payload = Place(layout(source)[1], sealed_length(source.stat().st_size))
    manifest: Manifest | None = None
    name = ""
    try:
        with decrypting(source, key) as stream:
            for name, modified, content in members(stream):
                if name == "manifest.json":
                    manifest = Manifest.from_json(content.read())
                    continue
                inside = name.startswith("media/")
                path = media / name.removeprefix("media/") if inside else work / name
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    shutil.copyfileobj(content, out, CHUNK)
                    out.flush()
                    os.fsync(out.fileno())
                os.utime(path, (modified, modified))
    except Undecipherable as error:
        raise BackupDamaged(source, [payload], name) from error
    except OSError as error:
        raise BackupError(
            f"恢复时无法写入：{error.strerror or error}。请检查磁盘空间和权限；未恢复任何内容。",
            f"Restoring failed to write: {error.strerror or error}. Check disk space and permissions; nothing was restored.",
        ) from error
    if manifest is None:
        raise BackupDamaged(source, [payload], "manifest.json")
    return manifest


def first_failing(source: Path, key: Any) -> str:
    """The first content of a damaged backup that cannot be read; empty if unknown."""
    name = ""
    with contextlib.suppress(Exception), decrypting(source, key) as stream:
        for member, _, content in members(stream):
            name = member
            while content.read(CHUNK):
                pass
        name = ""
    return name


# --- comparing ---


def differs(code: str, zh: str, en: str) -> tuple[str, str]:
    """A problem in both languages."""
    return (f"{zh}与清单不符", f"{en[:1].upper()}{en[1:]} differs from the manifest ({code})")


def compare_database(manifest: Manifest, found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What of the database is not as the manifest says."""
    problems = []
    for name in sorted({*manifest.tables, *found["tables"]}):
        said, seen = manifest.tables.get(name), found["tables"].get(name)
        if said != seen:
            told = "/".join("–" if table is None else f"{table['rows']:,}" for table in (said, seen))
            problems.append(differs(told, f"表 {name}（{told} 行）", f"table {name}"))
    for name in sorted({*manifest.heads, *found["heads"]}):
        if manifest.heads.get(name) != found["heads"].get(name):
            problems.append(differs("head", f"链头 {name} ", f"chain head {name}"))
    if manifest.schema != found["schema"]:
        problems.append(differs("schema", "表结构、索引或触发器", "the schema, an index or a trigger"))
    problems += found.get("problems", [])
    return problems


def compare_media(manifest: Manifest, root: Path) -> list[tuple[str, str]]:
    """What of the media folder is not as the manifest says."""
    seen = {}
    for path, name in media_files(root):
        told = describe_file(path)
        seen[name] = {"size": told["size"], "sha256": told["sha256"]}
    return [
        differs("media", f"文件 {name} ", f"the file {name}")
        for name in sorted({*seen, *manifest.media})
        if seen.get(name) != manifest.media.get(name)
    ]


def refuse_problems(source: Path, problems: Sequence[tuple[str, str]]) -> None:
    """Nothing that differs from its manifest is put in place."""
    if problems:
        raise BackupError(
            f"{source} 的内容与清单不符，未恢复任何内容：" + "；".join(zh for zh, _ in problems[:10]),
            f"The content of {source} differs from its manifest; nothing was restored: "
            + "; ".join(en for _, en in problems[:10]),
        )


def chains_of(manifest: Manifest) -> list[Chain]:
    """The chains whose heads the manifest noted."""
    seen = {}
    for head in manifest.heads.values():
        chain = Chain(**head["chain"])
        seen[chain.table] = chain
    return list(seen.values())


# --- places ---


@contextlib.contextmanager
def workplace(beside: Path | None, verb: str) -> Iterator[Path]:
    """A folder for this run alone, removed afterwards; those of runs that were killed are removed first.

    It lies beside the data, because it holds them in the clear: never on the disk that the backup goes to.
    """
    parent = beside or Path(tempfile.gettempdir())
    prefix = f".jiuji-{verb}-"
    parent.mkdir(parents=True, exist_ok=True)
    for old in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError), locked_folder(old):
            shutil.rmtree(old, ignore_errors=True)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with locked_folder(folder):
            if not folder.exists():
                continue  # another run took it for an old one, in the instant before it was locked
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; raises ``OSError`` at once if a living process holds it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def exclusive(partial: Path) -> Iterator[BinaryIO]:
    """The file under its temporary name, for this run alone; what a killed run left there is overwritten."""
    try:
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise BackupError(
            f"无法在 {partial.parent} 写入备份：{error.strerror}。",
            f"No backup can be written in {partial.parent}: {error.strerror}.",
        ) from error
    with open(handle, "wb") as out:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupError(
                f"另一个备份正在写入 {partial}。请等它结束。",
                f"Another backup is being written to {partial}. Wait for it to end.",
            ) from None
        out.truncate(0)
        yield out


def sync_folder(folder: Path) -> None:
    """New names of the folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def refuse_occupied(database: Database, media_root: Path) -> None:
    """Restoring never overwrites. Raises ``NotEmpty``."""
    if is_postgres(database):
        if postgres_tables(str(database)):
            raise NotEmpty(
                "目标数据库不是空的。请新建一个空数据库再恢复。",
                "The target database is not empty. Create an empty one and restore to that.",
            )
    else:
        for ending in ("", "-wal", "-shm", "-journal"):
            path = Path(f"{database}{ending}")
            if path.exists() or path.is_symlink():
                raise NotEmpty(
                    f"目标已存在：{path}。恢复不会覆盖任何数据，请换一个空的位置。",
                    f"The target exists: {path}. Restoring never overwrites anything; name an empty place.",
                )
    if media_root.exists() and (not media_root.is_dir() or any(media_root.iterdir())):
        raise NotEmpty(
            f"文件目录不是空的：{media_root}。请换一个空目录。",
            f"The media folder is not empty: {media_root}. Name an empty one.",
        )


# --- SQLite ---


def connect_sqlite(path: Path, options: str) -> sqlite3.Connection:
    """Open an existing file; text that is not UTF-8 is carried as it is."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True, timeout=60)
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


def copy_sqlite(database: Path, snapshot: Path) -> None:
    """One consistent state of a database in use. In WAL mode its writers go on meanwhile."""
    if not database.is_file():
        raise BackupError(f"找不到数据库：{database}。", f"There is no database at {database}.")
    with (
        contextlib.closing(connect_sqlite(database, "mode=rw")) as live,
        contextlib.closing(sqlite3.connect(snapshot)) as copy,
    ):
        # All pages in one step: in smaller steps a busy writer would make it start anew for ever.
        live.backup(copy, pages=-1)


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def written_out(value: Any) -> Any:
    """A value that JSON has no form for."""
    return {"hex": bytes(value).hex()}


ROW = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=written_out).encode


def describe_sqlite(path: Path, chains: Sequence[Chain]) -> dict[str, Any]:
    """Schema, tables and chain heads of a database file that nobody has open; it is not touched."""
    with contextlib.closing(connect_sqlite(path, "mode=ro&immutable=1")) as connection:
        master = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
        ).fetchall()
        names = [
            name
            for kind, name, _, sql in master
            if kind == "table" and not (sql or "").upper().startswith("CREATE VIRTUAL") and not is_internal(name)
        ]
        tables = {name: describe_sqlite_table(connection, name) for name in sorted(names)}
        heads: dict[str, Any] = {}
        for chain in chains:
            heads |= heads_of(chain, lambda sql: connection.execute(sql).fetchall())
        verdict = [line for (line,) in connection.execute("PRAGMA integrity_check").fetchall()]
        found: dict[str, Any] = {
            "schema": hashlib.sha256("\n".join(ROW(row) for row in master).encode()).hexdigest(),
            "tables": tables,
            "heads": heads,
        }
    if verdict != ["ok"]:
        raise BackupError(
            f"数据库 {path} 已损坏：{verdict[0]}。请用最近一份完好的备份，并保留此文件供检查。",
            f"The database {path} is corrupt: {verdict[0]}. Use the latest sound backup and keep this file for examination.",
        )
    return found


def is_internal(name: str) -> bool:
    """Statistics that SQLite rewrites by itself (numbering of rows is data and stays)."""
    return name.startswith("sqlite_") and name != "sqlite_sequence"


def describe_sqlite_table(connection: sqlite3.Connection, name: str) -> dict[str, Any]:
    """Rows, and SHA-256 over them in key order."""
    columns = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
    keys = [quoted(column[1]) for column in sorted(columns, key=lambda c: c[5]) if column[5]]
    taken = {column[1].lower() for column in columns}
    rowid = next((alias for alias in ("rowid", "_rowid_", "oid") if alias not in taken), "")
    without = connection.execute(
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", (name,)
    ).fetchone()
    if rowid and not (without and without[0]):
        keys.append(rowid)
    order = f" ORDER BY {', '.join(keys)}" if keys else ""
    rows, digest = 0, hashlib.sha256()
    for row in connection.execute(f"SELECT * FROM {quoted(name)}{order}"):
        digest.update(ROW(row).encode() + b"\n")
        rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def heads_of(chain: Chain, ask: Callable[[str], Sequence[Sequence[Any]]]) -> dict[str, dict[str, Any]]:
    """Number and hash of the last record of each chain in the table."""
    table, order, value = quoted(chain.table), quoted(chain.order), quoted(chain.hash)
    if chain.by is None:
        rows = [(None, *row) for row in ask(f"SELECT {order}, {value} FROM {table} ORDER BY {order} DESC LIMIT 1")]
    else:
        by = quoted(chain.by)
        rows = [
            tuple(row)
            for row in ask(
                f"SELECT t.{by}, t.{order}, t.{value} FROM {table} t JOIN (SELECT {by} AS b, MAX({order}) AS m "
                f"FROM {table} GROUP BY {by}) newest ON t.{by} = newest.b AND t.{order} = newest.m ORDER BY 1"
            )
        ]
    return {
        chain.table if by_value is None else f"{chain.table}:{by_value}": {
            "number": number,
            "hash": bytes(head).hex() if isinstance(head, (bytes, memoryview)) else str(head),
            "chain": asdict(chain),
        }
        for by_value, number, head in rows
    }


# --- PostgreSQL ---

# The same text for the same value on every server.
PLAIN = (
    "SET TIME ZONE 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; "
    "SET extra_float_digits = 1; SET client_encoding = 'UTF8'; SET row_security = off; SET search_path = public"
)
OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def is_postgres(database: Database) -> bool:
    """An address of PostgreSQL, not a path."""
    return isinstance(database, str) and (database.startswith(("postgres://", "postgresql://")) or "=" in database)


def run_postgres(tool: str, dsn: str, *options: str) -> None:
    """Run ``pg_dump`` or ``pg_restore``; the password goes by the environment, where no process list shows it."""
    from psycopg import conninfo

    parts = conninfo.conninfo_to_dict(dsn)
    environment = dict(os.environ)
    if parts.get("password"):
        environment["PGPASSWORD"] = str(parts.pop("password"))
    address = conninfo.make_conninfo("", **parts)
    try:
        done = subprocess.run(
            [tool, *options, "--dbname", address], env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise BackupError(
            f"找不到 {tool}。请安装 PostgreSQL 客户端工具。",
            f"{tool} was not found. Install PostgreSQL's client tools.",
        ) from None
    if done.returncode:
        said = done.stderr.strip().splitlines()[:3]
        raise BackupError(f"{tool} 失败：{' '.join(said)}", f"{tool} failed: {' '.join(said)}")


def dump_postgres(dsn: str, target: Path, chains: Sequence[Chain]) -> dict[str, Any]:
    """Dump and description of one and the same state."""
    import psycopg

    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()
        run_postgres("pg_dump", dsn, "--format=custom", f"--snapshot={snapshot[0]}", f"--file={target}")
        target.chmod(0o600)
        return describe_postgres(connection, chains)


def describe_postgres_at(dsn: str, chains: Sequence[Chain]) -> dict[str, Any]:
    """Description of a database that is not in use."""
    import psycopg

    with psycopg.connect(dsn) as connection:
        return describe_postgres(connection, chains)


def describe_postgres(connection: Any, chains: Sequence[Chain]) -> dict[str, Any]:
    """Schema, tables and chain heads, within the connection's transaction."""
    connection.execute(PLAIN)
    tables = {}
    for schema, name in list_tables(connection):
        known = name if schema == "public" else f"{schema}.{name}"
        tables[known] = describe_postgres_table(connection, schema, name)
    heads: dict[str, dict[str, Any]] = {}
    for chain in chains:
        heads |= heads_of(chain, lambda sql: cast(Sequence[Sequence[Any]], connection.execute(sql).fetchall()))
    schema_rows = connection.execute(
        "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v') AND {OURS} "
        "UNION ALL SELECT n.nspname, c.relname, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled <> 'D' "
        "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE NOT t.tgisinternal AND {OURS}"
    ).fetchall()
    digest = hashlib.sha256("\n".join(sorted(ROW(row) for row in schema_rows)).encode()).hexdigest()
    return {"schema": digest, "tables": tables, "heads": heads}


def list_tables(connection: Any) -> list[tuple[str, str]]:
    """Schema and name of every table that is not the system's own."""
    return cast(
        list[tuple[str, str]],
        connection.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {OURS} ORDER BY 1, 2"
        ).fetchall(),
    )


def describe_postgres_table(connection: Any, schema: str, name: str) -> dict[str, Any]:
    """Rows, and SHA-256 over them in key order (of all columns where there is no key), independent of any language's order."""
    table = f"{quoted(schema)}.{quoted(name)}"
    keys = connection.execute(
        "SELECT a.attname, a.attcollation <> 0 FROM pg_index i "
        "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
        "WHERE i.indisprimary AND i.indrelid = %s::regclass ORDER BY array_position(i.indkey::int2[], a.attnum)",
        (table,),
    ).fetchall()
    order = [f'{quoted(key)} COLLATE "C"' if text else quoted(key) for key, text in keys] or ['t::text COLLATE "C"']
    rows, digest = 0, hashlib.sha256()
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY (SELECT * FROM {table} AS t ORDER BY {', '.join(order)}) TO STDOUT") as copy,
    ):
        for piece in copy:
            digest.update(piece)
            rows += bytes(piece).count(b"\n")
    return {"rows": rows, "sha256": digest.hexdigest()}


def postgres_tables(dsn: str) -> list[tuple[str, str]]:
    """The tables of a database."""
    import psycopg

    with psycopg.connect(dsn) as connection:
        return list_tables(connection)


def restore_postgres(dsn: str, dump: Path, manifest: Manifest, source: Path) -> None:
    """Load the dump in one transaction and compare; a database that differs is emptied again.

    Owners and privileges are not restored: the roles are those of the new server (``jiuji`` grants them anew).
    """
    run_postgres(
        "pg_restore", dsn, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(dump)
    )
    try:
        refuse_problems(source, compare_database(manifest, describe_postgres_at(dsn, chains_of(manifest))))
    except BaseException:
        empty_postgres(dsn)
        raise


def empty_postgres(dsn: str) -> None:
    """Empty a database that was found empty before we filled it."""
    import psycopg

    with psycopg.connect(dsn) as connection:
        for (schema,) in connection.execute(f"SELECT n.nspname FROM pg_namespace n WHERE {OURS}").fetchall():
            connection.execute(f"DROP SCHEMA {quoted(schema)} CASCADE")
        connection.execute("CREATE SCHEMA public")
