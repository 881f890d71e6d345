"""Lists of 25 out of many households, filtered and searched: milliseconds a request, and the ratio of large to small.

    python benchmarks/lists.py                       # 10,000 and 1,000,000 households, SQLite and PostgreSQL
    python benchmarks/lists.py --large 100000 --engine sqlite

One process for each engine and size holds its installation and answers requests through the whole stack (middleware,
permission table, scope, row security, queries, templates). The sizes take turns round by round on the same machine, so
their ratio is fair even where the machine is shared. On PostgreSQL the requests run as the application's role, which row
security binds. Rewrites the section of this part in results.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ENGINES = ("sqlite", "postgres")
FAMILIES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余于杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志文海春燕林峰云龙飞鹏宇浩然子轩佳欣雨晨思琪梦瑶嘉俊凯博天泽睿哲宏伟斌辉波亮东晓光荣贵福德顺祥瑞庆山川江河松柏竹菊莲"


# --- one installation: makes its rows, then answers rounds of requests ------------------------------------


def fill(count: int) -> None:
    """``count`` households with their heads over all villages of the region, every fifth with a recognised status."""
    from django.db import connection, transaction

    from jiuji import clock
    from jiuji.accounts.scope import everything
    from jiuji.divisions.models import Division
    from jiuji.people.models import Household, Membership, Person, RecognisedStatus
    from jiuji.people.services import pinyin_of
    from jiuji.site.demo import identity_number

    draw = random.Random(20180911)
    pinyin = {c: pinyin_of(c) for c in set(FAMILIES + GIVEN)}
    villages = list(Division.objects.filter(level="village", valid_until=None, example=False))
    given: dict[tuple[dt.date, str], int] = {}

    def people(first: int, size: int) -> Iterator[tuple[Person, Household, Membership, RecognisedStatus | None]]:
        for number in range(first, first + size):
            place = draw.choice(villages)
            name = draw.choice(FAMILIES) + draw.choice(GIVEN) + draw.choice(GIVEN)
            sex, birthday = (
                draw.choice("mf"),
                dt.date(draw.randint(1940, 2004), draw.randint(1, 12), draw.randint(1, 28)),
            )
            serial = given[birthday, sex] = given.get((birthday, sex), -1) + 1
            person = Person(
                id=number,
                uid=clock.uuid7(),
                name=name,
                pinyin="".join(pinyin[c] for c in name),
                sex=sex,
                birthday=birthday,
                identity_number=identity_number(draw, birthday, sex, serial),
                phone=f"199{number:08d}",
                division=place,
                division_code=place.code,
            )
            day = dt.date(draw.randint(2019, 2026), draw.randint(1, 10), draw.randint(1, 28))
            home = Household(
                id=number,
                uid=clock.uuid7(),
                number=f"{place.code[:6]}-H{number:07d}",
                division=place,
                division_code=place.code,
                opened_on=day,
                head_name=name,
                size=1,
            )
            kind = draw.choices(("", "dibao", "tekun", "dibao_margin", "monitoring"), (80, 11, 2, 4, 3))[0]
            yield (
                person,
                home,
                Membership(household_id=number, person_id=number, relation="head", since=day),
                RecognisedStatus(household_id=number, kind=kind, since=day) if kind else None,
            )

    def insert(model: Any, rows: list[Any], keyed: bool) -> None:
        fields = [f for f in model._meta.concrete_fields if not f.generated and (keyed or not f.primary_key)]
        names = ", ".join(f'"{f.column}"' for f in fields)
        values = [[f.get_db_prep_save(f.pre_save(row, True), connection) for f in fields] for row in rows]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {model._meta.db_table} ({names}) FROM STDIN") as copy:
                    for value in values:
                        copy.write_row(value)
            else:
                marks = ", ".join(["%s"] * len(fields))
                cursor.executemany(f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({marks})", values)

    size = 10_000
    with everything("benchmark data"):
        # Numbers above those of the demo county, which is the first to be filled.
        start = max(Person.everyone.order_by("-pk")[0].pk, Household.everyone.order_by("-pk")[0].pk) + 1
        for first in range(start, start + count, size):
            batch = list(people(first, min(size, start + count - first)))
            with transaction.atomic():
                insert(Person, [b[0] for b in batch], True)
                insert(Household, [b[1] for b in batch], True)
                insert(Membership, [b[2] for b in batch], False)
                insert(RecognisedStatus, [b[3] for b in batch if b[3]], False)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def works() -> dict[str, Any]:
    """The requests: name → a function that makes one, with arguments drawn anew each time."""
    from django.db import connection
    from django.test import Client

    from jiuji.accounts.models import User
    from jiuji.accounts.scope import everything
    from jiuji.people.models import Household, Person

    draw = random.Random(1)
    clients = {}
    with everything("benchmark"):
        busiest = Household.everyone.filter(division__example=False).order_by("-pk")[0]
        ids = [Household.everyone.order_by(o)[0].pk for o in ("pk", "-pk")]
        sample = list(
            Household.everyone.filter(pk__in=[draw.randint(*ids) for _ in range(300)]).values_list(
                "number", "head_name"
            )
        )
        numbers = [
            p.identity_number.reveal() for p in Person.everyone.filter(pk__in=[draw.randint(*ids) for _ in range(300)])
        ]
    for label, username, code in (
        ("township", "chuangkou", busiest.division_code[:9]),
        ("county", "jingban", busiest.division_code[:6]),
        ("region", "zizhiqu", "150000"),
    ):
        user = User.objects.get(username=username)
        held = user.roles.get()
        from jiuji.divisions.models import Division

        held.division = Division.objects.filter(code__startswith=code.ljust(6, "0"), valid_until=None).order_by("code")[
            0
        ]
        held.save(update_fields=["division"])
        clients[label] = client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(user)
        session = client.session
        session["account_authentication_methods"] = [{"method": "password"}, {"method": "mfa", "type": "totp"}]
        session.save()

    def get(who: str, address: str, **query: Any) -> None:
        answer = clients[who].get(address, query)
        assert answer.status_code in (200, 302), (answer.status_code, address, query)
        if connection.vendor == "sqlite":
            connection.close_if_unusable_or_obsolete()

    def search(text: str) -> None:
        answer = clients["region"].post("/search/", {"q": text})
        assert answer.status_code in (200, 302), answer.status_code

    homes = "/people/households/"
    return {
        "township clerk: newest 25": lambda: get("township", homes),
        "county clerk: newest 25": lambda: get("county", homes),
        "county clerk: with dibao": lambda: get("county", homes, status="dibao"),
        "region: newest 25": lambda: get("region", homes),
        "region: 25 from the middle": lambda: get("region", homes, after=draw.randint(*ids)),
        "region: with tekun": lambda: get("region", homes, status="tekun"),
        "region: by head's name": lambda: get("region", homes, q=draw.choice(sample)[1]),
        "region: by household number": lambda: get("region", homes, q=draw.choice(sample)[0]),
        "region: people, newest 25": lambda: get("region", "/people/"),
        "region: search, name": lambda: search(draw.choice(sample)[1]),
        "region: search, identity number": lambda: search(draw.choice(numbers)),
    }


def installation(count: int) -> None:
    """Child process: makes the data, then for each line on stdin a round, answered by seconds on stdout."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "jiuji.site.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from jiuji.site.demo import make

    call_command("migrate", verbosity=0, interactive=False)
    make(1, 200)
    start = time.perf_counter()
    fill(count)
    requests = works()
    print(json.dumps({"filled": round(time.perf_counter() - start, 1)}), flush=True)
    for line in sys.stdin:
        found: dict[str, list[float]] = {name: [] for name in requests}
        for _ in range(int(line)):
            for name, request in requests.items():
                begun = time.perf_counter()
                request()
                found[name].append(time.perf_counter() - begun)
        print(json.dumps(found), flush=True)


# --- the run ----------------------------------------------------------------------------------------------


def start(engine: str, count: int, folder: Path) -> subprocess.Popen[str]:
    place = folder / f"{engine}-{count}"
    place.mkdir()
    environment = {**os.environ, "JIUJI_DEMO": "1", "JIUJI_DATA": str(place)}
    environment.pop("DATABASE_URL", None)
    if engine == "postgres":
        environment["DATABASE_URL"] = database(f"jiuji_bench_{count}")
    return subprocess.Popen(
        [sys.executable, str(Path(__file__)), "--installation", str(count)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def database(name: str) -> str:
    """A fresh database owned by a role that is no superuser (row security is forced on the owner, too)."""
    import psycopg

    dsn = os.environ.get("JIUJI_TEST_POSTGRES", "dbname=postgres")
    with psycopg.connect(dsn, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'jiuji_bench'").fetchone():
            connection.execute("CREATE ROLE jiuji_bench LOGIN PASSWORD 'jiuji_bench'")
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name} OWNER jiuji_bench")
        host = connection.info.host if not connection.info.host.startswith("/") else "127.0.0.1"
        return f"postgres://jiuji_bench:jiuji_bench@{host}:{connection.info.port}/{name}"


def measure(engine: str, sizes: list[int], rounds: int, each: int) -> dict[str, dict[str, dict[str, float]]]:
    with tempfile.TemporaryDirectory(prefix="jiuji-lists-") as folder:
        running = {}
        for size in sizes:
            running[size] = start(engine, size, Path(folder))
            line = running[size].stdout.readline()  # type: ignore[union-attr]
            if not line:
                raise SystemExit(f"{engine} with {size:,} households did not start")
            print(f"{engine}, {size:,} households: filled in {json.loads(line)['filled']} s", file=sys.stderr)
        found: dict[str, dict[int, list[float]]] = {}
        for number in range(rounds + 1):
            for size, child in running.items():
                child.stdin.write(f"{each}\n")  # type: ignore[union-attr]
                child.stdin.flush()  # type: ignore[union-attr]
                for name, seconds in json.loads(child.stdout.readline()).items():  # type: ignore[union-attr]
                    if number:  # the first round warms up
                        found.setdefault(name, {}).setdefault(size, []).extend(seconds)
        for child in running.values():
            child.stdin.close()  # type: ignore[union-attr]
            child.wait(60)
    return {
        name: {
            str(size): {
                "median": statistics.median(seconds) * 1000,
                "p99": sorted(seconds)[int(len(seconds) * 0.99)] * 1000,
            }
            for size, seconds in by_size.items()
        }
        for name, by_size in found.items()
    }


def table(engine: str, sizes: list[int], found: dict[str, Any]) -> list[str]:
    small, large = (str(s) for s in sizes)
    lines = [
        f"### {'SQLite' if engine == 'sqlite' else 'PostgreSQL'}",
        "",
        f"| in ms | {sizes[0]:,}: median | p99 | {sizes[1]:,}: median | p99 | ratio of medians |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, by in found.items():
        ratio = by[large]["median"] / by[small]["median"]
        lines.append(
            f"| {name} | {by[small]['median']:.1f} | {by[small]['p99']:.1f} | {by[large]['median']:.1f} "
            f"| {by[large]['p99']:.1f} | {ratio:.2f} |"
        )
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--installation", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--each", type=int, default=20, help="requests of each kind in a round")
    given = parser.parse_args()
    if given.installation is not None:
        installation(given.installation)
        return
    sizes = [given.small, given.large]
    lines = [
        "Written by `make bench-lists`. One request after the other through the whole stack, the sizes in turns of "
        f"{given.each}; {given.rounds * given.each} requests of each kind. Asked: a ratio of at most 1.5.",
        "",
        f"{dt.date.today()}, {os.cpu_count()} cores, shared with other work.",
        "",
    ]
    for engine in given.engine or ENGINES:
        lines += table(engine, sizes, measure(engine, sizes, given.rounds, given.each))
    text = "# Lists of 25 out of many households\n\n" + "\n".join(lines)
    print(text)
    (HERE / "lists.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
