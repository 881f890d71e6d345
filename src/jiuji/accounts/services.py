"""What may be done with accounts, roles and delegations: verbs that check, lock, write and record."""

from __future__ import annotations

import datetime as dt

from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from jiuji import clock
from jiuji.audit import actor as actors
from jiuji.audit.actor import Actor
from jiuji.audit.services import record
from jiuji.divisions.models import Division, Office

from .models import ROLES, Delegation, RoleHeld, User
from .permissions import table


class NotAllowed(Exception):
    """The actor may not do this here. A screen answers as if the thing did not exist."""


def require(verb: str, division_code: str, actor: Actor | None = None) -> Actor:
    """The actor, if their role may do this at that place; the system may do everything. Raises NotAllowed."""
    who = actor or actors.current()
    if who is actors.SYSTEM:
        return who
    if who.role and table().may(who.role, verb) and division_code.startswith(who.prefix):
        return who
    raise NotAllowed(f"{who.role or 'nobody'} may not {verb} at {division_code}")


@transaction.atomic
def create_account(*, username: str, name: str, password: str, office: Office, phone: str = "") -> User:
    """An account without any role yet; the password must be changed on first sign-in."""
    require("account.manage", office.division.code)
    if User.objects.filter(username=username).exists():
        raise ValidationError({"username": _("账号已存在，请换一个。")})
    user = User.objects.create_user(username, password, name=name, phone=phone, must_change_password=True)
    record("account_created", subject=user, division_code=office.division.code, data={"username": username})
    return user


@transaction.atomic
def give_role(
    user: User, role: str, office: Office, division: Division, *, since: dt.date, until: dt.date | None = None
) -> RoleHeld:
    """Let a person hold a role at an office, for a division and all below it."""
    require("account.manage", division.code)
    if role not in dict(ROLES):
        raise ValidationError({"role": _("角色未知。")})
    if not division.code.startswith(office.division.prefix):
        raise ValidationError({"division": _("范围不在该机构的辖区内。")})
    if until is not None and until < since:
        raise ValidationError({"until": _("终止日期早于起始日期。")})
    giver = User.objects.filter(uid=actors.current().id).first() if actors.current().id else None
    if giver is not None and giver.pk == user.pk:
        raise ValidationError(_("不能给自己授予角色。"))
    held = RoleHeld.objects.create(
        user=user, role=role, office=office, division=division, since=since, until=until, given_by=giver
    )
    record(
        "role_given",
        subject=user,
        division_code=division.code,
        data={
            "role": role,
            "office": office.name,
            "since": since.isoformat(),
            "until": until.isoformat() if until else "",
        },
    )
    return held


@transaction.atomic
def end_role(held: RoleHeld, *, day: dt.date, reason: str) -> None:
    """End a role on a day; from then on its holder sees and signs nothing by it."""
    require("account.manage", held.division.code)
    if not reason.strip():
        raise ValidationError({"reason": _("请说明原因。")})
    held.until = day
    held.save(update_fields=["until"])
    record("role_ended", subject=held.user, division_code=held.division.code, data={"role": held.role}, reason=reason)


@transaction.atomic
def stop_account(user: User, division_code: str, reason: str) -> None:
    """Stop an account: all its sessions die with the next request."""
    require("account.manage", division_code)
    if not reason.strip():
        raise ValidationError({"reason": _("请说明原因。")})
    User.objects.filter(pk=user.pk).update(is_active=False)
    end_sessions(user)
    record("account_stopped", subject=user, division_code=division_code, reason=reason)


@transaction.atomic
def restore_account(user: User, division_code: str, reason: str) -> None:
    """Let a stopped account sign in again."""
    require("account.manage", division_code)
    User.objects.filter(pk=user.pk).update(is_active=True)
    record("account_restored", subject=user, division_code=division_code, reason=reason)


def end_sessions(user: User) -> int:
    """Sign a person out everywhere; the number of sessions ended."""
    from allauth.usersessions.models import UserSession

    keys = list(UserSession.objects.filter(user=user).values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(user=user).delete()
    return len(keys)


@transaction.atomic
def sign_delegation(
    *,
    county: Division,
    township: Division,
    document: str,
    signed_on: dt.date,
    signer: User,
    since: dt.date,
    until: dt.date | None,
    limit_emergency: int,
    limit_expenditure: int,
) -> Delegation:
    """A county lets a township decide up to a limit in fen, per track. One is in force at a time: the next ends it.

    Clause: nm-2018 §3.1.2.
    """
    require("delegation.sign", county.code)
    if township.level != "township" or township.parent_id != county.pk:
        raise ValidationError({"township": _("该苏木乡镇不属于本旗县。")})
    if signed_on > clock.today():
        raise ValidationError({"signed_on": _("签署日期在今天之后。")})
    if since < signed_on:
        raise ValidationError({"since": _("生效日期早于签署日期。")})
    if until is not None and until <= since:
        raise ValidationError({"until": _("失效日期不晚于生效日期。")})
    if min(limit_emergency, limit_expenditure) < 0:
        raise ValidationError(_("额度不能为负。"))
    for earlier in Delegation.objects.select_for_update().filter(township=township, ended_on=None):
        if earlier.until is None or earlier.until > since:
            earlier.ended_on, earlier.end_reason = max(since, earlier.since), f"由 {document} 接替"
            earlier.save(update_fields=["ended_on", "end_reason"])
    made = Delegation.objects.create(
        county=county,
        township=township,
        document=document,
        signed_on=signed_on,
        signed_by=signer,
        since=since,
        until=until,
        limit_emergency=limit_emergency,
        limit_expenditure=limit_expenditure,
    )
    record(
        "delegation_signed",
        subject=made,
        division_code=township.code,
        data={
            "document": document,
            "since": since.isoformat(),
            "limit_emergency": limit_emergency,
            "limit_expenditure": limit_expenditure,
        },
    )
    return made


@transaction.atomic
def end_delegation(delegation: Delegation, *, day: dt.date, reason: str) -> None:
    """End a delegation on a day; from then on the county decides."""
    require("delegation.sign", delegation.county.code)
    if not reason.strip():
        raise ValidationError({"reason": _("请说明原因。")})
    delegation.ended_on, delegation.end_reason = day, reason
    delegation.save(update_fields=["ended_on", "end_reason"])
    record("delegation_ended", subject=delegation, division_code=delegation.township.code, reason=reason)


def delegation_in_force(township: Division, day: dt.date) -> Delegation | None:
    """The delegation that a township holds on a day."""
    rows = Delegation.objects.filter(township__code=township.code, since__lte=day).order_by("-since", "-pk")
    return next((d for d in rows if d.in_force(day)), None)
