"""Changing keys: every protected value under the current key, every blind index under the current index key.

It runs while people work. A row is read, re-encrypted and written back only if its tokens are still those that were read
(compare and swap); if somebody was faster, the row is read again, so no edit is lost. Each batch is one transaction.
It may be killed at any moment and begun again: what is current already is passed over.

The order of a change of keys:

1. ``keys.with_new_key(…, current=False)`` and restart every process: all can read the new key.
2. Make it current and restart every process: what is saved from now on is under the new key. Of an index key, restart
   them together: until each has it, a unique index does not meet the same number under the other key.
3. ``rotate(protected_models())`` until it reports nothing left and no failures.
4. ``key_usage`` no longer names the old key: take it out of the keys. Keep it with the backups that need it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, IntegrityError, models, transaction

from jiuji.accounts.scope import everything

from .fields import BlindIndexField, ProtectedTextField, ProtectedValue, ring
from .keys import TamperedValue, key_of

Model = type[models.Model]

_TRIES = 5


@dataclass(frozen=True)
class Failure:
    """A row that could not be brought up to date, and why: ``tampered``, ``duplicate`` or ``busy``."""

    model: str
    pk: Any
    why: str


@dataclass(frozen=True)
class Rotated:
    """How far it is: rows seen, values re-encrypted, indexes recomputed, rows read again because somebody was faster."""

    rows: int = 0
    values: int = 0
    indexes: int = 0
    retried: int = 0
    failures: tuple[Failure, ...] = ()
    done: Mapping[str, Any] = field(default_factory=dict)
    """By model, the last primary key that was looked at: give it as ``resume`` to go on from there."""


def protected_models() -> list[Model]:
    """All models with protected fields."""
    return [m for m in apps.get_models() if not m._meta.proxy and (_values(m) or _indexes(m))]


def rotate(
    model_classes: Iterable[Model],
    batch: int = 500,
    resume: Mapping[str, Any] | None = None,
    progress: Callable[[Rotated], None] | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> Rotated:
    """Bring every value and index of the models up to the current keys; ``progress`` is called after each batch.

    A row that fails is reported and the rest go on.
    """
    so_far = Rotated(done=dict(resume or {}))
    with everything("key rotation"):
        for model in model_classes:
            for rows in _batches(model, batch, so_far.done.get(model._meta.label), using):
                so_far = _rotate_batch(model, rows, so_far, using)
                if progress is not None:
                    progress(so_far)
    return so_far


def key_usage(model_classes: Iterable[Model], batch: int = 5000, using: str = DEFAULT_DB_ALIAS) -> Counter[str]:
    """How many values each key still opens, by key id; ``?`` for what is no token. An index key is counted for each
    index that it alone explains: a blind index names no key, so every value is opened and compared.
    """
    used: Counter[str] = Counter()
    with everything("key rotation"):
        for model in model_classes:
            for rows in _batches(model, batch, None, using):
                for row in rows:
                    used.update(_keys_of(row))
    return used


# --- one batch ------------------------------------------------------------------------------------------


def _rotate_batch(model: Model, rows: list[models.Model], so_far: Rotated, using: str) -> Rotated:
    # All is computed before the transaction, so that it begins with a write: SQLite then waits for its turn, where a
    # transaction that read first would fail, and PostgreSQL holds its row locks briefly.
    changes = [(row, _change(row)) for row in rows]
    with transaction.atomic(using=using):
        for row, change in changes:
            so_far = _rotate_row(row, change, so_far, using)
    label = model._meta.label
    return replace(so_far, rows=so_far.rows + len(rows), done={**so_far.done, label: rows[-1].pk})


def _rotate_row(row: models.Model, change: _Change, so_far: Rotated, using: str) -> Rotated:
    for _ in range(_TRIES):
        if change.damaged:
            so_far = _failed(so_far, row, "tampered")
        if not change.new:
            return so_far
        try:
            with transaction.atomic(using=using):
                written = _rows(type(row), using).filter(pk=row.pk, **change.old).update(**change.new)
        except IntegrityError:
            return _failed(so_far, row, "duplicate")
        if written:
            return replace(
                so_far, values=so_far.values + change.values, indexes=so_far.indexes + len(change.new) - change.values
            )
        again = _rows(type(row), using).filter(pk=row.pk).first()
        if again is None:
            return so_far
        row, change, so_far = again, _change(again), replace(so_far, retried=so_far.retried + 1)
    return _failed(so_far, row, "busy")


@dataclass(frozen=True)
class _Change:
    """What to write to a row, and what must still stand there for it to be right."""

    old: dict[str, Any]
    new: dict[str, Any]
    values: int
    damaged: bool


def _change(row: models.Model) -> _Change:
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    damaged = False
    for value_field in _values(type(row)):
        value: ProtectedValue | None = getattr(row, value_field.attname)
        if not value:
            continue
        try:
            if not ring().is_current(value.token()):
                value.reveal()
                old[value_field.attname] = value
                new[value_field.attname] = value_field.sealed(value, _row_of(value_field, row))
        except TamperedValue:
            damaged = True
    values = len(new)
    for index_field in _indexes(type(row)):
        source: ProtectedValue | None = getattr(row, index_field.source)
        stored = getattr(row, index_field.attname)
        try:
            digest = index_field.digest(source.reveal() if source else "")
        except TamperedValue:
            damaged = True
            continue
        if digest != stored:
            # The index must belong to the number that stands there when it is written.
            old |= {index_field.source: source, index_field.attname: stored}
            new[index_field.attname] = digest
    return _Change(_with_nulls(old), new, values, damaged)


def _with_nulls(old: dict[str, Any]) -> dict[str, Any]:
    return {(f"{name}__isnull" if value is None else name): value is None or value for name, value in old.items()}


def _failed(so_far: Rotated, row: models.Model, why: str) -> Rotated:
    failure = Failure(row._meta.label, row.pk, why)
    return so_far if failure in so_far.failures else replace(so_far, failures=(*so_far.failures, failure))


def _keys_of(row: models.Model) -> Iterator[str]:
    for value_field in _values(type(row)):
        value: ProtectedValue | None = getattr(row, value_field.attname)
        if value:
            try:
                yield key_of(value.token())
            except TamperedValue:
                yield "?"
    for index_field in _indexes(type(row)):
        stored = getattr(row, index_field.attname)
        source: ProtectedValue | None = getattr(row, index_field.source)
        if stored:
            try:
                yield ring().index_key_of(index_field.kind, source.reveal() if source else "", stored) or "?"
            except TamperedValue:
                yield "?"


# --- rows -----------------------------------------------------------------------------------------------


def _batches(model: Model, size: int, after: Any, using: str) -> Iterator[list[models.Model]]:
    """Rows in the order of their primary keys, only the columns that matter, without holding a transaction open."""
    names = {f.attname for f in _values(model)} | {f.row for f in _values(model)} | {f.attname for f in _indexes(model)}
    found = _rows(model, using).order_by("pk").only("pk", *names)
    while rows := list((found if after is None else found.filter(pk__gt=after))[:size]):
        yield rows
        after = rows[-1].pk


def _rows(model: Model, using: str) -> models.QuerySet[Any]:
    return model._base_manager.using(using)


def _values(model: Model) -> list[ProtectedTextField]:
    return [f for f in model._meta.local_concrete_fields if isinstance(f, ProtectedTextField)]


def _indexes(model: Model) -> list[BlindIndexField]:
    return [f for f in model._meta.local_concrete_fields if isinstance(f, BlindIndexField)]


def _row_of(value_field: ProtectedTextField, row: models.Model) -> Any:
    return value_field.row_of(row)
