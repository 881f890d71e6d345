"""What may be done with persons and households: verbs that check, lock, write and record, all in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from pypinyin import Style, lazy_pinyin

from jiuji import clock
from jiuji.accounts.models import User
from jiuji.accounts.scope import everything
from jiuji.accounts.services import require
from jiuji.audit.services import record
from jiuji.divisions.models import Division

from . import numbers
from .models import (
    BankAccount,
    Consent,
    Counter,
    Disability,
    Household,
    Kin,
    Membership,
    Merge,
    Person,
    RecognisedStatus,
    Schooling,
)

PLAIN = (
    "name",
    "sex",
    "birthday",
    "ethnicity",
    "papers",
    "division",
    "address",
    "registered_division",
    "registered_address",
    "died_on",
    "description",
)
PROTECTED = ("identity_number", "phone")


def pinyin_of(name: str) -> str:
    """``巴特尔`` → ``bateer``: how a name sounds, for finding it when it is written otherwise."""
    return "".join(lazy_pinyin(name.replace("·", "").replace(" ", ""), style=Style.NORMAL)).lower()[:200]


def _error(field: str, error: numbers.NumberError) -> ValidationError:
    from jiuji.divisions.models import local_name

    return ValidationError({field: local_name(error.zh, error.en)})


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    """Values in one form, with birthday and sex taken from the identity number. Raises ValidationError by field."""
    out = dict(values)
    out["name"] = (out.get("name") or "").strip()
    if not out["name"]:
        raise ValidationError({"name": _("请填写姓名；身份不明的，写“不明”。")})
    today = clock.today()
    papers = out.get("papers", "identity")
    number = (out.get("identity_number") or "").strip()
    if papers == "none":
        number = ""
    elif not number:
        raise ValidationError({"identity_number": _("请填写证件号码；暂无证件的，在证件类型中选“暂无证件”。")})
    if number:
        try:
            identity = numbers.read_identity(number, today)
        except numbers.NumberError as error:
            raise _error("identity_number", error) from None
        number = identity.number
        if out.get("birthday") and out["birthday"] != identity.birthday:
            raise ValidationError({"birthday": _("与证件号码中的出生日期不一致。")})
        out["birthday"], out["sex"] = identity.birthday, identity.sex
    out["identity_number"] = number
    if out.get("birthday") and out["birthday"] > today:
        raise ValidationError({"birthday": _("出生日期在今天之后。")})
    if out.get("died_on") and out["died_on"] > today:
        raise ValidationError({"died_on": _("死亡日期在今天之后。")})
    phone = (out.get("phone") or "").strip()
    if phone:
        try:
            phone = numbers.read_phone(phone).number
        except numbers.NumberError as error:
            raise _error("phone", error) from None
    out["phone"] = phone
    return out


def possible_duplicates(values: dict[str, Any], *, but: Person | None = None) -> list[Person]:
    """Who this could already be: the same number anywhere in the region, or name (by sound), birthday and county.

    A person outside the asker's scope is found too, so that nobody is registered twice across counties; the screen
    then only says that a record exists and where to ask.
    """
    from .fields import lookups

    number = (values.get("identity_number") or "").strip()
    test = Q(pk__in=[])
    if number:
        test |= Q(identity_index__in=lookups("identity", number))
    name, birthday, division = values.get("name", ""), values.get("birthday"), values.get("division")
    if name and birthday and division:
        county = division.code[:6]
        sound = Q(name=name) | Q(pinyin=pinyin_of(name))
        test |= sound & Q(birthday=birthday, division_code__startswith=county)
    with everything("possible duplicates are looked for across counties"):
        found = Person.everyone.filter(test, merged_into=None).select_related("division")
        if but is not None:
            found = found.exclude(pk=but.pk)
        return list(found[:20])


@transaction.atomic
def register_person(*, despite: Iterable[Person] = (), reason: str = "", **values: Any) -> Person:
    """Register a person. Possible duplicates must be looked at: pass them as ``despite`` with a reason to go on.

    Raises ValidationError by field; the same identity number is never registered twice.
    """
    division: Division = values["division"]
    require("person.write", division.code)
    clean = _clean(values)
    same = possible_duplicates(clean)
    if clean["identity_number"] and any(_same_number(p, clean["identity_number"]) for p in same):
        raise ValidationError({"identity_number": _("该证件号码已经登记，请使用已有记录。")})
    unseen = {p.pk for p in same} - {p.pk for p in despite}
    if unseen:
        raise ValidationError({"name": _("可能已经登记过，请先核对下列人员。")}, code="duplicates")
    if same and not reason.strip():
        raise ValidationError({"reason": _("请说明为什么不是同一人。")})
    person = Person(**{k: clean[k] for k in (*PLAIN, *PROTECTED) if k in clean})
    person.division_code, person.pinyin = division.code, pinyin_of(clean["name"])
    person.save()
    record(
        "person_registered",
        subject=person,
        division_code=division.code,
        data={"papers": person.papers, "looked_at": len(same)},
        reason=reason,
    )
    return person


def _same_number(person: Person, number: str) -> bool:
    from .fields import lookups

    return person.identity_index in lookups("identity", number)


@transaction.atomic
def change_person(person: Person, *, reason: str, **values: Any) -> Person:
    """Change what is known of a person; the event names the fields, never the identifiers themselves."""
    locked = Person.objects.select_for_update().get(pk=person.pk)
    require("person.write", locked.division_code)
    if not reason.strip():
        raise ValidationError({"reason": _("请说明修改原因。")})
    before = {k: getattr(locked, k) for k in PLAIN} | {k: getattr(locked, k).reveal() for k in PROTECTED}
    clean = _clean({**before, **values})
    division: Division = clean["division"]
    require("person.write", division.code)
    changed = [k for k in (*PLAIN, *PROTECTED) if clean[k] != before[k]]
    if "identity_number" in changed and clean["identity_number"]:
        others = [p for p in possible_duplicates(clean, but=locked) if _same_number(p, clean["identity_number"])]
        if others:
            raise ValidationError({"identity_number": _("该证件号码已经登记在另一人名下，请先核对是否应合并。")})
    for key in changed:
        setattr(locked, key, clean[key])
    locked.division_code, locked.pinyin = division.code, pinyin_of(clean["name"])
    locked.save()
    old = {k: str(before[k] or "") for k in changed if k in PLAIN}
    record(
        "person_changed",
        subject=locked,
        division_code=division.code,
        data={"changed": changed, "before": old},
        reason=reason,
    )
    return locked


@transaction.atomic
def note_reading(person: Person) -> None:
    """Reading a person's record is an event."""
    record("person_read", subject=person, division_code=person.division_code)


@transaction.atomic
def reveal(person: Person, field: str, *, reason: str, account: BankAccount | None = None) -> str:
    """A whole identifier, to whoever may and says what for. The event keeps the reason, not the number."""
    require("person.reveal", person.division_code)
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请说明查看用途。")})
    holder: Any = account if account is not None else person
    value = getattr(holder, field)
    record(
        "identifier_revealed", subject=person, division_code=person.division_code, data={"field": field}, reason=reason
    )
    return str(value.reveal())


# --- households ---------------------------------------------------------------------------------------


def _next(name: str) -> int:
    Counter.objects.get_or_create(name=name)
    Counter.objects.filter(name=name).update(last=F("last") + 1)
    return Counter.objects.get(name=name).last


@transaction.atomic
def open_household(
    *,
    division: Division,
    head: Person,
    opened_on: dt.date,
    address: str = "",
    members: Iterable[tuple[Person, str]] = (),
) -> Household:
    """A household with its head and members from a day on. Raises ValidationError where one is in another on that day."""
    require("person.write", division.code)
    county = division.code[:6]
    household = Household.objects.create(
        number=f"{county}-H{_next(f'household-{county}'):07d}",
        division=division,
        division_code=division.code,
        address=address,
        opened_on=opened_on,
    )
    record("household_opened", subject=household, division_code=division.code, data={"number": household.number})
    for person, relation in [(head, "head"), *members]:
        join_household(household, person, relation, since=opened_on)
    return household


@transaction.atomic
def join_household(household: Household, person: Person, relation: str, *, since: dt.date) -> Membership:
    """Let a person belong to a household from a day on. Nobody is in two households on one day."""
    require("person.write", household.division_code)
    Person.everyone.select_for_update().get(pk=person.pk)
    if since < household.opened_on:
        raise ValidationError({"since": _("早于家庭建立日期 %(day)s。") % {"day": household.opened_on}})
    if person.birthday and since < person.birthday:
        raise ValidationError({"since": _("早于出生日期。")})
    clash = (
        Membership.objects.filter(person=person)
        .filter(Q(until=None) | Q(until__gt=since))
        .select_related("household")
        .first()
    )
    if clash is not None:
        raise ValidationError(
            {
                "person": _("%(name)s 自 %(day)s 起已在家庭 %(number)s 中，同一天不能属于两个家庭。请先办理离开。")
                % {"name": person.name, "day": clash.since, "number": clash.household.number}
            }
        )
    if relation == "head" and household.memberships.filter(relation="head", until=None).exists():
        raise ValidationError({"relation": _("已有户主，请先变更。")})
    made = Membership.objects.create(household=household, person=person, relation=relation, since=since)
    _settle(household)
    record(
        "member_joined",
        subject=household,
        division_code=household.division_code,
        data={"person": str(person.uid), "relation": relation, "since": since.isoformat()},
    )
    return made


@transaction.atomic
def leave_household(membership: Membership, *, until: dt.date, reason: str) -> None:
    """End a membership: ``until`` is the first day outside."""
    household = membership.household
    require("person.write", household.division_code)
    if until <= membership.since:
        raise ValidationError({"until": _("离开日期应晚于加入日期 %(day)s。") % {"day": membership.since}})
    if not reason.strip():
        raise ValidationError({"reason": _("请说明原因。")})
    membership.until = until
    membership.save(update_fields=["until"])
    _settle(household)
    record(
        "member_left",
        subject=household,
        division_code=household.division_code,
        data={"person": str(membership.person.uid), "until": until.isoformat()},
        reason=reason,
    )


def _settle(household: Household) -> None:
    current = household.memberships.filter(until=None).select_related("person")
    household.size = len(current)
    household.head_name = next((m.person.name for m in current if m.relation == "head"), "")
    household.save(update_fields=["size", "head_name"])


@transaction.atomic
def recognise(
    household: Household,
    kind: str,
    *,
    since: dt.date,
    until: dt.date | None = None,
    document: str = "",
    source: str = "",
) -> RecognisedStatus:
    """Register a recognised status. One kind is not recognised twice for the same day."""
    require("status.write", household.division_code)
    rows = household.statuses.filter(kind=kind).filter(Q(until=None) | Q(until__gt=since))
    if until is not None:
        rows = rows.filter(since__lt=until)
    if rows.exists():
        raise ValidationError({"since": _("该时段已登记同一身份。")})
    made = RecognisedStatus.objects.create(
        household=household, kind=kind, since=since, until=until, document=document, source=source
    )
    record(
        "status_recognised",
        subject=household,
        division_code=household.division_code,
        data={"kind": kind, "since": since.isoformat(), "document": document},
    )
    return made


@transaction.atomic
def register_disability(person: Person, kind: str, grade: int, *, since: dt.date) -> Disability:
    """Register a disability certificate; the earlier one of the same kind ends."""
    require("person.write", person.division_code)
    person.disabilities.filter(kind=kind, until=None, since__lt=since).update(until=since)
    made = Disability.objects.create(person=person, kind=kind, grade=grade, since=since)
    record("disability_registered", subject=person, division_code=person.division_code, data={"grade": grade})
    return made


@transaction.atomic
def register_schooling(
    person: Person, stage: str, *, since: dt.date, school: str = "", self_paid_choice: bool = False
) -> Schooling:
    """Register a stage of education; the one before ends."""
    require("person.write", person.division_code)
    person.schooling.filter(until=None, since__lt=since).update(until=since)
    made = Schooling.objects.create(
        person=person, stage=stage, since=since, school=school, self_paid_choice=self_paid_choice
    )
    record("student_registered", subject=person, division_code=person.division_code, data={"stage": stage})
    return made


@transaction.atomic
def register_account(person: Person, number: str, *, bank: str = "", since: dt.date) -> BankAccount:
    """Register where a person may be paid. The number is checked (Luhn where the bank uses it) and protected."""
    require("person.write", person.division_code)
    try:
        account = numbers.read_account(number)
    except numbers.NumberError as error:
        raise _error("number", error) from None
    bank = bank or account.bank or ""
    if not bank:
        raise ValidationError({"bank": _("无法由账号判断开户银行，请填写。")})
    made = BankAccount.objects.create(person=person, bank=bank, number=account.number, since=since)
    record(
        "account_registered",
        subject=person,
        division_code=person.division_code,
        data={"bank": bank, "luhn": account.luhn},
    )
    return made


@transaction.atomic
def give_consent(
    person: Person,
    purpose: str,
    *,
    recipients: str,
    fields: str,
    evidence: str,
    given_at: dt.datetime,
    until: dt.date | None = None,
) -> Consent:
    """Register what a person agreed to, on what evidence."""
    require("person.write", person.division_code)
    if given_at > clock.now():
        raise ValidationError({"given_at": _("同意时间在现在之后。")})
    if not evidence.strip():
        raise ValidationError({"evidence": _("请写明凭据。")})
    made = Consent.objects.create(
        person=person,
        purpose=purpose,
        recipients=recipients,
        fields=fields,
        evidence=evidence,
        given_at=given_at,
        until=until,
    )
    record(
        "consent_given",
        subject=person,
        division_code=person.division_code,
        data={"purpose": purpose, "recipients": recipients, "fields": fields},
        happened_at=given_at,
    )
    return made


@transaction.atomic
def revoke_consent(consent: Consent, *, reason: str = "") -> None:
    """Take a consent back: from this moment on it holds for nothing."""
    require("person.write", consent.person.division_code)
    if consent.revoked_at is None:
        consent.revoked_at, consent.revoke_reason = clock.now(), reason
        consent.save(update_fields=["revoked_at", "revoke_reason"])
        record(
            "consent_revoked",
            subject=consent.person,
            division_code=consent.person.division_code,
            data={"purpose": consent.purpose},
            reason=reason,
        )


@transaction.atomic
def declare_kin(officer: User, relation: str, name: str, identity_number: str, division_code: str) -> Kin:
    """An officer declares a close relative; recusal is judged by the number where it is known."""
    number = identity_number.strip()
    if number:
        try:
            number = numbers.read_identity(number, clock.today()).number
        except numbers.NumberError as error:
            raise _error("identity_number", error) from None
    made = Kin.objects.create(officer=officer, relation=relation, name=name.strip(), identity_number=number)
    record("kin_declared", subject=officer, division_code=division_code, data={"relation": relation})
    return made


# --- duplicates ---------------------------------------------------------------------------------------

#: What belongs to a person and moves with a merge: (model, column).
BELONGINGS = ((Disability, "person"), (Schooling, "person"), (BankAccount, "person"), (Consent, "person"))


@transaction.atomic
def merge_people(kept: Person, gone: Person, *, reason: str) -> Merge:
    """Make two records of one person into one. Nothing is lost, and :func:`separate_people` undoes it."""
    require("person.merge", kept.division_code)
    require("person.merge", gone.division_code)
    first, second = sorted((kept, gone), key=lambda p: p.pk)
    locked = {p.pk: p for p in Person.objects.select_for_update().filter(pk__in=[first.pk, second.pk])}
    if len(locked) != 2 or any(p.merged_into_id for p in locked.values()):
        raise ValidationError(_("其中一条记录已经合并过，请刷新。"))
    if not reason.strip():
        raise ValidationError({"reason": _("请说明为什么是同一人。")})
    mine, other = locked[kept.pk], locked[gone.pk]
    if mine.identity_number and other.identity_number and mine.identity_index != other.identity_index:
        raise ValidationError(_("两条记录的证件号码不同，不能合并。"))
    moved: dict[str, Any] = {}
    for model, column in BELONGINGS:
        rows = model._default_manager.filter(**{column: other})
        moved[model.__name__] = list(rows.values_list("pk", flat=True))
        rows.update(**{column: mine})
    open_here = mine.memberships.filter(until=None).exists()
    moving = [m for m in other.memberships.all() if not (open_here and m.until is None)]
    for membership in moving:
        clash = mine.memberships.filter(Q(until=None) | Q(until__gt=membership.since))
        if membership.until is not None:
            clash = clash.filter(since__lt=membership.until)
        if clash.exists():
            raise ValidationError(_("两条记录在同一天属于两个家庭，请先改正家庭成员的起止日期。"))
    Membership.objects.filter(pk__in=[m.pk for m in moving]).update(person=mine)
    moved["Membership"] = [m.pk for m in moving]
    filled: dict[str, bool | str] = {}
    for key in PLAIN:
        if key not in ("name", "division", "papers") and not getattr(mine, key) and getattr(other, key):
            filled[key] = True
            setattr(mine, key, getattr(other, key))
    for key in PROTECTED:
        if not getattr(mine, key) and getattr(other, key):
            filled[key] = True
            setattr(mine, key, getattr(other, key).reveal())
            if key == "identity_number":
                filled["papers"] = mine.papers
                mine.papers = other.papers
    mine.save()
    other.merged_into = mine
    other.save(update_fields=["merged_into"])
    moved["filled"] = filled
    merge = Merge.objects.create(kept=mine, gone=other, moved=moved)
    record(
        "people_merged", subject=mine, division_code=mine.division_code, data={"gone": str(other.uid)}, reason=reason
    )
    record(
        "people_merged", subject=other, division_code=other.division_code, data={"kept": str(mine.uid)}, reason=reason
    )
    return merge


@transaction.atomic
def separate_people(merge: Merge, *, reason: str) -> None:
    """Undo a merge: everything that it moved goes back."""
    merge = Merge.objects.select_for_update().get(pk=merge.pk)
    require("person.merge", merge.kept.division_code)
    if merge.undone_at is not None:
        raise ValidationError(_("已经撤销过。"))
    for model, column in BELONGINGS:
        model._default_manager.filter(pk__in=merge.moved[model.__name__]).update(**{column: merge.gone})
    Membership.objects.filter(pk__in=merge.moved["Membership"]).update(person=merge.gone)
    for key, value in merge.moved["filled"].items():
        if key == "papers":
            merge.kept.papers = value
        elif key in PROTECTED or key in ("sex", "ethnicity", "address", "registered_address", "description"):
            setattr(merge.kept, key, "")
        else:
            setattr(merge.kept, key, None)
    merge.kept.save()
    merge.gone.merged_into = None
    merge.gone.save(update_fields=["merged_into"])
    merge.undone_at = clock.now()
    merge.save(update_fields=["undone_at"])
    record("people_separated", subject=merge.kept, division_code=merge.kept.division_code, reason=reason)
