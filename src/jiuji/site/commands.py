"""The commands of an installation: serve, migrate, demo, accounts, audit, backup. Django is loaded only when one runs."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click


def _django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jiuji.site.settings")
    django.setup()


def _call(*arguments: Any, **options: Any) -> None:
    from django.core.management import call_command

    call_command(*arguments, **options)


def _free(host: str, port: int) -> bool:
    import socket

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


@click.group()
def site() -> None:
    """The commands below are added to ``jiuji``."""


@site.command()
@click.option("--quiet", is_flag=True, help="只报告错误 Say nothing but errors.")
def migrate(quiet: bool) -> None:
    """更新数据库结构 Bring the database up to date."""
    _django()
    _call("migrate", verbosity=0 if quiet else 1, interactive=False)


@site.command()
def check() -> None:
    """启动前检查：不合格就不启动 The start check: what it finds forbids serving."""
    _django()
    from .checks import faults

    found = list(faults())
    for fault in found:
        click.echo(fault, err=True)
    click.echo("检查通过 all good" if not found else f"{len(found)} 项不合格 faults")
    if found:
        sys.exit(1)


@site.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--worker/--no-worker", default=True, help="同时启动后台任务 Start the worker of long work too.")
def serve(host: str, port: int, worker: bool) -> None:
    """启动系统 Serve the system."""
    _django()
    from django.conf import settings

    from .checks import faults

    found = list(faults())
    if found:
        for fault in found:
            click.echo(fault, err=True)
        click.echo("因以上问题不能启动 Not served because of the above.", err=True)
        sys.exit(1)
    if not _free(host, port):
        raise click.ClickException(
            f"{host}:{port} 已被占用，请用 --port 换一个端口。{host}:{port} is in use; choose another with --port."
        )
    background = None
    if worker:
        background = subprocess.Popen([sys.executable, "-m", "jiuji", "worker"])
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    if settings.DEMO:
        from .demo import ACCOUNTS, PASSWORD

        names = "、".join(f"{name}" for name, *_ in ACCOUNTS)
        click.echo(
            f"打开 http://{host}:{port}/ ，演示账号 {names}，密码 {PASSWORD} "
            f"| open http://{host}:{port}/ with one of these demo accounts, password {PASSWORD}"
        )
    try:
        from granian import Granian
        from granian.constants import Interfaces
        from granian.log import LogLevels

        Granian(
            "jiuji.site.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=1,
            blocking_threads=4,
            log_access=False,
            log_level=LogLevels.warning,
        ).serve()
    finally:
        if background is not None:
            background.terminate()


@site.command()
def worker() -> None:
    """处理后台任务 Do the long work in the background."""
    _django()
    _call("db_worker", verbosity=0)


@site.command()
@click.option("--seed", default=1, show_default=True, help="随机种子 Seed.")
@click.option("--households", default=2000, show_default=True, help="户数 Households.")
@click.option("--if-empty", is_flag=True, help="已有数据时什么也不做 Do nothing where there are data.")
def demo(seed: int, households: int, if_empty: bool) -> None:
    """建立演示数据 Make the demo data (demo mode only)."""
    _django()
    from .demo import make

    click.echo(make(seed, households, if_empty=if_empty))


@site.command()
@click.argument("username")
@click.option("--name", required=True, help="姓名 Name.")
@click.option("--role", required=True, help="角色 Role.")
@click.option("--office", required=True, help="机构名称 Office.")
@click.password_option(help="初始密码 First password.")
def createuser(username: str, name: str, role: str, office: str, password: str) -> None:
    """建立账号并授予角色 Make an account and give it a role."""
    _django()
    from django.core.exceptions import ValidationError

    from jiuji import clock
    from jiuji.accounts.services import create_account, give_role
    from jiuji.divisions.models import Office

    place = Office.objects.filter(name=office, valid_until=None).first()
    if place is None:
        raise click.ClickException(f"没有机构 {office}。There is no office {office}.")
    try:
        user = create_account(username=username, name=name, password=password, office=place)
        give_role(user, role, place, place.division, since=clock.today())
    except ValidationError as error:
        raise click.ClickException("；".join(error.messages)) from None
    click.echo(f"{username} · {role} · {office}")


@site.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--since", required=False, help="从哪天起 From which day.")
@click.option("--offices", is_flag=True, help="同时按区划设立机构 Also open the offices of each division.")
def divisions(path: Path | None, since: str | None, offices: bool) -> None:
    """导入行政区划（缺省为随程序提供的内蒙古区划） Import divisions (default: those of Inner Mongolia)."""
    _django()
    from jiuji.divisions import services

    day = dt.date.fromisoformat(since) if since else dt.date(2018, 9, 11)
    try:
        done = services.import_divisions(path or services.DATA / "divisions-150000.csv", since=day)
    except services.ImportRefused as error:
        for line in error.lines("zh")[:50]:
            click.echo(line, err=True)
        raise click.ClickException(
            f"{len(error.faults)} 处错误，没有导入。{len(error.faults)} faults; nothing imported."
        ) from None
    click.echo(f"新增 {done.added}，改名 {done.renamed}，调整 {done.moved}，停用 {done.ended}，未变 {done.kept}")
    if offices:
        click.echo(f"机构 {services.open_offices(day)}")


@site.command()
def permissions() -> None:
    """由权限表生成文档 The permission table as a document."""
    _django()
    from jiuji.accounts.permissions import as_markdown

    click.echo(as_markdown(), nl=False)


@site.group()
def audit() -> None:
    """审计链 The audit chain."""


@audit.command()
@click.option(
    "--checkpoint", type=click.Path(exists=True, path_type=Path), help="此前导出的检查点 A checkpoint kept before."
)
def verify(checkpoint: Path | None) -> None:
    """校验全部审计链，指出第一处断裂 Verify all chains and name the first broken link of each."""
    _django()
    import time

    from jiuji.audit.chain import Broken
    from jiuji.audit.checkpoints import read_checkpoint
    from jiuji.audit.queries import verify_all

    heads = read_checkpoint(checkpoint.read_text(encoding="utf-8")) if checkpoint else {}
    start, events, broken = time.perf_counter(), 0, 0
    for found in verify_all(heads):
        if isinstance(found, Broken):
            broken += 1
            click.echo(f"{found.chain} 第 {found.number} 条：{found.zh} | event {found.number}: {found.en}", err=True)
        else:
            events += found.number
            click.echo(f"{found.chain} {found.number} {found.digest}")
    took = time.perf_counter() - start
    click.echo(f"{events:,} 条 events，{took:.2f} 秒 s，断裂 broken {broken}")
    if broken:
        sys.exit(1)


@audit.command("export")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--chain", help="只导出一条链 Only this chain.")
def export_chain(target: Path, chain: str | None) -> None:
    """导出审计链，供独立校验程序使用 Export chains for the stand-alone verifier (tools/verify_chain.py)."""
    _django()
    import json

    from jiuji.audit.queries import links

    count = 0
    with target.open("w", encoding="utf-8") as file:
        for link in links(chain):
            count += 1
            row = {
                "chain": link.chain,
                "number": link.number,
                "algorithm": link.algorithm,
                "previous": link.previous,
                "digest": link.digest,
                "body": link.body.decode(),
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    click.echo(f"{count:,} → {target}")


@audit.command("checkpoint")
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--key", type=click.Path(path_type=Path), help="Ed25519 私钥文件，没有则新建 Private key; made where there is none."
)
def make_checkpoint(target: Path, key: Path | None) -> None:
    """导出并签名各链链头，另行保存 Sign the heads of all chains, to be kept elsewhere."""
    _django()
    from jiuji.audit.checkpoints import checkpoint

    text = checkpoint(key)
    target.write_text(text, encoding="utf-8")
    click.echo(str(target))


@site.group()
def keys() -> None:
    """受保护信息的密钥 Keys of protected identifiers."""


@keys.command("new")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--cipher", type=click.Choice(["aes-256-gcm", "sm4-gcm"]), default="aes-256-gcm", show_default=True)
def new_keys(target: Path, cipher: str) -> None:
    """新建密钥文件，供 JIUJI_KEYS_FILE 使用 Make a key file; an existing one is never overwritten."""
    from jiuji.people import keys as ring

    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(
            f"不能写入 {target}：{error.strerror}。{target} cannot be written: {error.strerror}."
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(ring.new_keys(cipher))
    click.echo(
        f"{target}：请与数据库及其备份分开保存，没有它谁也读不出号码。"
        f"Keep it apart from the database and its backups; without it nobody reads a number."
    )


@keys.command("add")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--purpose", type=click.Choice(["encrypt", "index"]), default="encrypt", show_default=True)
@click.option("--algorithm", help="缺省与现用的相同 Default: that of the current key.")
def add_key(path: Path, purpose: str, algorithm: str | None) -> None:
    """在密钥文件中加入一个现用密钥，旧的只读 Add a key that writes from now on; then restart and rotate."""
    import json

    from jiuji.people import keys as ring
    from jiuji.rulebook.errors import JiujiError

    text = path.read_text(encoding="utf-8")
    try:
        ring.KeyRing.parse(text)
        given = json.loads(text)
        used = next(k["algorithm"] for k in given["keys"] if k["id"] == given["current"][purpose])
        changed = ring.with_new_key(text, purpose, algorithm or used)
    except JiujiError as error:
        raise click.ClickException(f"{error.zh} {error.en}") from None
    spare = path.with_name(path.name + ".new")
    handle = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(changed)
        file.flush()
        os.fsync(file.fileno())
    os.replace(spare, path)
    click.echo("已加入。重启后运行 jiuji keys rotate。Added. Restart, then run jiuji keys rotate.")


@keys.command("rotate")
def rotate_keys() -> None:
    """用现用密钥重新加密，可在线运行，中断后再运行一次即可 Re-encrypt with the current keys, online, resumable."""
    _django()
    from jiuji.accounts.scope import everything
    from jiuji.people.rotation import protected_models, rotate

    with everything("key rotation"):
        done = rotate(protected_models())
    click.echo(
        f"查看 {done.rows:,} 行，重新加密 {done.values:,} 项，重算索引 {done.indexes:,} 项 "
        f"| {done.rows:,} rows, {done.values:,} values, {done.indexes:,} indexes"
    )
    for failure in done.failures[:20]:
        click.echo(f"{failure.model} {failure.pk}: {failure.why}", err=True)
    if done.failures:
        click.echo(f"{len(done.failures):,} 行没有完成 rows not done", err=True)
        sys.exit(1)


def register(cli: click.Group) -> None:
    """Add these commands to ``jiuji``."""
    for command in site.commands.values():
        cli.add_command(command)
