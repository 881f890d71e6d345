"""Sign-in leaves events: who came in, who was refused, which factor was set up."""

from __future__ import annotations

from typing import Any

from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from jiuji.audit.actor import Actor
from jiuji.audit.services import record

from .middleware import actor_of, address_of
from .models import User


def _place(user: User) -> str:
    held = user.holdings_on().first()
    return held.division.code if held else "150000"


def _actor(request: HttpRequest | None, user: User) -> Actor:
    held = user.holdings_on().first()
    if request is None:
        return Actor(str(user.uid), user.name)
    return actor_of(request, held)


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    with transaction.atomic():
        before = request.session.get("previous_login")
        User.objects.filter(pk=user.pk).update(previous_login=before or None)
        record("signed_in", subject=user, division_code=_place(user), actor=_actor(request, user))


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None and user.is_authenticated:
        with transaction.atomic():
            record("signed_out", subject=user, division_code=_place(user), actor=_actor(request, user))


@receiver(user_login_failed)
def refused(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    name = str(credentials.get("username") or credentials.get("login") or "")[:60]
    user = User.objects.filter(username=name).first()
    address = address_of(request) if request is not None else ""
    with transaction.atomic():
        record(
            "sign_in_refused",
            subject=user,
            division_code=_place(user) if user else "150000",
            data={"known": user is not None},
            actor=Actor(str(user.uid) if user else "", user.name if user else "未登录", address=address),
        )


@receiver(authenticator_added)
def factor_added(sender: Any, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    with transaction.atomic():
        record(
            "second_factor_added",
            subject=user,
            division_code=_place(user),
            data={"type": str(authenticator.type)},
            actor=_actor(request, user),
        )


@receiver(authenticator_removed)
def factor_removed(sender: Any, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    with transaction.atomic():
        record(
            "second_factor_removed",
            subject=user,
            division_code=_place(user),
            data={"type": str(authenticator.type)},
            actor=_actor(request, user),
        )
