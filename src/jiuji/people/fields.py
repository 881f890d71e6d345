"""Model fields for protected identifiers: encrypted in the database, masked wherever they are printed.

    class Person(models.Model):
        uid = models.UUIDField(unique=True, editable=False, default=uuid7)     # before the fields it protects
        identity_number = ProtectedTextField(kind="identity")
        identity_index = BlindIndexField(source="identity_number", kind="identity", null=True)

    person.identity_number = "152527198001011234"       # encrypted on save
    str(person.identity_number)                         # 152***********1234
    person.identity_number.reveal()                     # the number: for the unmask service, which records who saw it
    Person.objects.filter(identity_index=index_of("identity", text))

The column holds a token (see ``keys``) that opens only in its row and column. The plaintext is never in ``repr``, logs,
pickles or fixtures, nor in the database by any way of writing: ``save`` and ``bulk_create`` encrypt; ``update``,
``bulk_update``, expressions and lookups with a plain text are refused; the column itself has a CHECK.
"""

from __future__ import annotations

import functools
import logging
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.lookups import Exact, In
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import pre_save

from jiuji.rulebook.errors import JiujiError

from .keys import KeyRing, TamperedValue, is_token
from .numbers import MASKS, canonical

log = logging.getLogger(__name__)

UNREADABLE: Final = "（无法解开 unreadable）"
_HIDDEN: Final = "******"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ProtectedValueError(JiujiError, ValueError):
    """A protected field was used in a way that would lose or expose its value: a mistake in the code."""


def ring() -> KeyRing:
    """The keys of this installation (``settings.PROTECTION_KEYS``)."""
    return _parsed(settings.PROTECTION_KEYS)


@functools.lru_cache(maxsize=4)
def _parsed(text: str) -> KeyRing:
    # Nonces always come from the operating system, also in a simulation: see ``keys``.
    return KeyRing.parse(text)


class ProtectedValue:
    """A protected text. Prints as its mask; unchangeable; pickles as its token.

    It is equal to another one with the same token, and to ``""`` where it is empty. To compare numbers, compare blind
    indexes.
    """

    __slots__ = ("_field", "_plain", "_row", "_token")

    def __init__(
        self, field: ProtectedTextField, row: uuid.UUID | None, token: str | None, plain: str | None = None
    ) -> None:
        self._field = field
        self._row = row
        self._token = token
        # Only between assignment and save.
        self._plain = plain

    def reveal(self) -> str:
        """The plaintext. Only for services that check the permission and record the access. Raises TamperedValue."""
        if self._plain is not None:
            return self._plain
        if not self._token:
            return ""
        if self._row is None:
            raise ProtectedValueError(
                "用 values() 等方式单独读出的号码不能解开，请读取整个对象。",
                "A number that was read by itself, by values() or the like, does not open; load the object.",
            )
        return ring().decrypt(self._token, self._field.place(self._row))

    # No template may call it.
    reveal.alters_data = True  # type: ignore[attr-defined]

    def __str__(self) -> str:
        if self._plain is None and self._token and self._row is None:
            return _HIDDEN
        try:
            return self._field.mask(self.reveal())
        except TamperedValue:
            # One damaged record must not break a whole list; ``reveal`` still raises.
            log.error("A protected value does not open: %s.%s", self._field, self._row)
            return UNREADABLE

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return bool(self._token or self._plain)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ProtectedValue):
            return self is other or (self._token is not None and self._token == other._token)
        return not self if other == "" else NotImplemented

    def __hash__(self) -> int:
        return object.__hash__(self) if self._token is None else hash(self._token)

    def __copy__(self) -> ProtectedValue:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ProtectedValue:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return ProtectedValue, (self._field, self._row, self.token())

    def token(self) -> str:
        """What the database holds; an unsaved value is encrypted for its row. Raises ProtectedValueError without one."""
        if self._token is not None:
            return self._token
        if self._row is None:
            raise _no_row(self._field)
        return ring().encrypt(self.reveal(), self._field.place(self._row))

    @property
    def is_saved(self) -> bool:
        """Whether it is encrypted already, rather than assigned and not yet saved."""
        return self._token is not None


class _ProtectedAttribute(DeferredAttribute):
    """Turns what is assigned into a ProtectedValue that knows its row."""

    field: ProtectedTextField

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is not None and isinstance(value, ProtectedValue) and value._row is None:
            value = instance.__dict__[self.field.attname] = self.field.bound(value, self.field.row_of(instance))
        return value

    def __set__(self, instance: models.Model, value: object) -> None:
        row = self.field.row_of(instance) if self.field.row in instance.__dict__ else None
        instance.__dict__[self.field.attname] = self.field.protected(value, row)

    def __delete__(self, instance: models.Model) -> None:
        del instance.__dict__[self.field.attname]


if TYPE_CHECKING:
    _Text = models.TextField[str | ProtectedValue | None, ProtectedValue]
    _Char = models.CharField[str | None, str | None]
else:
    _Text, _Char = models.TextField, models.CharField


class ProtectedTextField(_Text):
    """A text that is encrypted in its column and masked wherever it is printed.

    ``kind``: how it is masked (``numbers.MASKS``). ``row``: the model's UUID field that ties a value to its row.
    ``location``: ``table.column`` in the authenticated place; to be frozen here before a table or column is renamed,
    for otherwise no stored value opens any more.
    """

    descriptor_class = _ProtectedAttribute

    def __init__(
        self, *args: Any, kind: str = "text", row: str = "uid", location: str | None = None, **kwargs: Any
    ) -> None:
        self.kind, self.row, self.location = kind, row, location
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs["kind"] = self.kind
        if self.row != "uid":
            kwargs["row"] = self.row
        if self.location is not None:
            kwargs["location"] = self.location
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *self._check_kind(), *self._check_row()]

    def _check_kind(self) -> list[checks.CheckMessage]:
        if self.kind in MASKS:
            return []
        return [checks.Error(f"kind must be one of {', '.join(MASKS)}.", obj=self, id="people.E001")]

    def _check_row(self) -> list[checks.CheckMessage]:
        try:
            row = self.model._meta.get_field(self.row)
        except FieldDoesNotExist:
            return [checks.Error(f"The model has no field {self.row!r} for its row.", obj=self, id="people.E002")]
        if not isinstance(row, models.UUIDField) or not row.unique or row.null or not row.has_default():
            message = f"{self.row!r} must be a UUIDField that is unique, not null and has a default."
            return [checks.Error(message, obj=self, id="people.E003")]
        fields = list(self.model._meta.concrete_fields)
        if fields.index(row) > fields.index(self):
            return [checks.Error(f"{self.row!r} must be declared before this field.", obj=self, id="people.E004")]
        return []

    def db_check(self, connection: Any) -> str:
        """No plain text gets into the column, not even by SQL. (Without LIKE: a % would be taken for a parameter.)"""
        column = connection.ops.quote_name(self.column)
        return f"{column} = '' OR substr({column}, 1, 3) = 'v1.'"

    # --- one value ---

    def place(self, row: uuid.UUID) -> str:
        """What a token is tied to: ``table.column.uid``."""
        return f"{self.location or f'{self.model._meta.db_table}.{self.column}'}.{row}"

    def mask(self, plain: str) -> str:
        return MASKS[self.kind](plain)

    def row_of(self, instance: models.Model) -> uuid.UUID | None:
        value = getattr(instance, self.row)
        return value if value is None or isinstance(value, uuid.UUID) else uuid.UUID(str(value))

    def bound(self, value: ProtectedValue, row: uuid.UUID | None) -> ProtectedValue:
        return ProtectedValue(self, row, value._token, value._plain)

    def protected(self, value: object, row: uuid.UUID | None) -> ProtectedValue | None:
        """What is kept on the instance when ``value`` is assigned."""
        if value is None:
            return None
        if isinstance(value, ProtectedValue):
            return self.bound(value, row) if value._row is None else value
        if not isinstance(value, str):
            raise ProtectedValueError(
                f"{self} 只能赋文本，不能赋 {type(value).__name__}。",
                f"{self} takes a text, not {type(value).__name__}.",
            )
        if value == "":
            return ProtectedValue(self, row, "")
        if "*" in value and self.kind != "text":
            raise ProtectedValueError(
                f"{self} 得到的是掩码，不是号码；请赋原值，或不赋值。",
                f"{self} was given a mask, not a number; assign the number, or nothing.",
            )
        return ProtectedValue(self, row, None, value)

    def sealed(self, value: ProtectedValue, row: uuid.UUID) -> ProtectedValue:
        """``value`` under the current key for ``row``. Raises ProtectedValueError where it belongs to another place."""
        if value._token == "":
            return value
        if value._row is not None and value._field.place(value._row) != self.place(row):
            raise ProtectedValueError(
                f"{self} 得到的值属于另一行或另一列；请先用 reveal() 取出原值再赋值。",
                f"{self} was given the value of another row or column; assign what reveal() gives.",
            )
        here = self.bound(value, row)
        if here._token is not None and (not is_token(here._token) or ring().is_current(here._token)):
            return here
        try:
            return ProtectedValue(self, row, ring().encrypt(here.reveal(), self.place(row)))
        except TamperedValue:
            # A damaged value is kept as it is: the rest of the row can still be saved, and evidence is not destroyed.
            return here

    # --- to and from the database ---

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> ProtectedValue | None:
        return None if value is None else ProtectedValue(self, None, value)

    def pre_save(self, model_instance: models.Model, add: bool) -> ProtectedValue | None:
        value: ProtectedValue | None = getattr(model_instance, self.attname)
        if value is None:
            return None
        row = self.row_of(model_instance)
        if row is None:
            raise _no_row(self)
        value = model_instance.__dict__[self.attname] = self.sealed(value, row)
        return value

    def get_prep_value(self, value: Any) -> str | None:
        if value is None or value == "":
            return value if value is None else ""
        if isinstance(value, ProtectedValue) and value._token is not None:
            return value._token
        raise ProtectedValueError(
            f"{self} 不能用明文查询，也不能用 update() 或 bulk_update() 写入：请用 index_of() 查询，用 save() 保存。",
            f"{self} cannot be looked up by its plain text, nor written by update() or bulk_update(): look it up by "
            "index_of(), and write it by save().",
        )

    # --- forms and fixtures ---

    def to_python(self, value: Any) -> Any:
        """Fixtures hold tokens."""
        return ProtectedValue(self, None, value) if isinstance(value, str) and is_token(value) else value

    def value_to_string(self, obj: models.Model) -> str:
        value: ProtectedValue | None = getattr(obj, self.attname)
        return "" if value is None else value.token()

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        """A form that comes back with the mask it was shown leaves the value as it is."""
        current = getattr(instance, self.attname)
        if not (current and data == str(current)):
            super().save_form_data(instance, data)

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        if self.kind != "text":
            kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "off"}))
        return super().formfield(*args, **kwargs)


# --- blind index ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BlindIndex:
    """What to look a number up by: its digest under every index key. Of an empty number none, which finds nothing."""

    digests: tuple[str, ...]


def index_of(kind: str, text: str) -> BlindIndex:
    """The blind index of a number in any spelling, for ``filter(identity_index=index_of("identity", text))``.

    While index keys are being changed it stands for the digests under all of them.
    """
    return BlindIndex(tuple(lookups(kind, text)))


def lookups(kind: str, text: str) -> list[str]:
    """The digests that a number may be stored under, the current key's first; none of an empty number."""
    return ring().blind_indexes(kind, text) if canonical(kind, text) else []


class BlindIndexField(_Char):
    """The blind index of the protected field ``source``, computed on save; empty (NULL where allowed) without a number.

    A constraint that holds a number unique must leave out the empty ones.
    """

    def __init__(self, *args: Any, source: str, kind: str, **kwargs: Any) -> None:
        self.source, self.kind = source, kind
        super().__init__(*args, **({"max_length": 64, "editable": False, "blank": True, "db_index": True} | kwargs))

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | {"source": self.source, "kind": self.kind}

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:
        value: ProtectedValue | None = getattr(model_instance, self.source)
        try:
            digest = self.digest(value.reveal() if value else "")
        except TamperedValue:
            # As the value itself: kept.
            return getattr(model_instance, self.attname)  # type: ignore[no-any-return]
        setattr(model_instance, self.attname, digest)
        return digest

    def digest(self, plain: str) -> str | None:
        """The column's value for a plaintext, under the current index key."""
        if not canonical(self.kind, plain):
            return None if self.null else ""
        return ring().blind_index(self.kind, plain)

    def get_prep_value(self, value: Any) -> Any:
        if value is None or value == "" or (isinstance(value, str) and _DIGEST.fullmatch(value)):
            return value
        raise ProtectedValueError(
            f"{self} 只能用 index_of() 查询，由 save() 计算。",
            f"{self} is looked up by index_of() and computed by save().",
        )


@BlindIndexField.register_lookup
class _BlindIn(In):
    def get_prep_lookup(self) -> Any:
        if self.rhs_is_direct_value() and isinstance(self.rhs, Iterable):
            self.rhs = [d for v in self.rhs for d in (v.digests if isinstance(v, BlindIndex) else (v,))]
        return super().get_prep_lookup()


@BlindIndexField.register_lookup
class _BlindExact(Exact):
    def get_prep_lookup(self) -> Any:
        return self.rhs if isinstance(self.rhs, BlindIndex) else super().get_prep_lookup()

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if isinstance(self.rhs, BlindIndex):
            return _BlindIn(self.lhs, [self.rhs]).as_sql(compiler, connection)
        return super().as_sql(compiler, connection)


def _refuse_stale_index(
    sender: type[models.Model],
    instance: models.Model,
    raw: bool = False,
    update_fields: Iterable[str] | None = None,
    **kwargs: Any,
) -> None:
    """``save(update_fields=…)`` that writes a new number must write its index too."""
    if raw or update_fields is None:
        return
    for field in sender._meta.concrete_fields:
        if isinstance(field, BlindIndexField) and field.source in update_fields and field.name not in update_fields:
            value = instance.__dict__.get(field.source)
            if isinstance(value, ProtectedValue) and not value.is_saved:
                raise ProtectedValueError(
                    f"update_fields 含 {field.source}，也应含 {field.name}。",
                    f"update_fields has {field.source} and must have {field.name} too.",
                )


pre_save.connect(_refuse_stale_index, dispatch_uid="jiuji.people.fields")


def _no_row(field: models.Field[Any, Any]) -> ProtectedValueError:
    return ProtectedValueError(f"{field} 所在的行还没有编号。", f"The row of {field} has no identifier yet.")
