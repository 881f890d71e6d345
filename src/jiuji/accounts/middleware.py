"""Who acts, within which scope, and whether the route lets them: before any view runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from jiuji import clock
from jiuji.audit import actor as actors
from jiuji.audit.actor import Actor

from . import scope
from .models import SECOND_FACTOR, RoleHeld
from .permissions import ANYONE, USER, table

Next = Callable[[HttpRequest], HttpResponse]
HOLDING = "role_held"
LAST_SEEN = "last_seen"


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def actor_of(request: HttpRequest, held: RoleHeld | None) -> Actor:
    user = request.user
    if not user.is_authenticated:
        return Actor("", "未登录", address=address_of(request))
    if held is None:
        return Actor(str(user.uid), user.name, address=address_of(request))
    return Actor(
        str(user.uid),
        user.name,
        held.role,
        held.get_role_display(),
        held.office.name,
        held.division.code,
        held.division.prefix,
        address_of(request),
    )


class ActorMiddleware:
    """Sets ``request.held`` and ``request.actor``, opens the scope of the role held, ends idle sessions."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and self._idle(request):
            auth.logout(request)
        held = self._held(request)
        request.held = held  # type: ignore[attr-defined]
        request.actor = actor_of(request, held)  # type: ignore[attr-defined]
        sees = scope.Scope(held.division.prefix) if held is not None and held.role != "administrator" else scope.NOTHING
        with actors.acting(request.actor), scope.within(sees):  # type: ignore[attr-defined]
            return self.get_response(request)

    def _idle(self, request: HttpRequest) -> bool:
        now = clock.now()
        seen = request.session.get(LAST_SEEN)
        if seen and now - dt.datetime.fromisoformat(seen) > dt.timedelta(seconds=settings.SESSION_IDLE_SECONDS):
            return True
        if not seen or now - dt.datetime.fromisoformat(seen) > dt.timedelta(seconds=30):
            request.session[LAST_SEEN] = now.isoformat()
        return False

    def _held(self, request: HttpRequest) -> RoleHeld | None:
        if not request.user.is_authenticated:
            return None
        mine = list(request.user.holdings_on())
        chosen = request.session.get(HOLDING)
        return next((h for h in mine if h.pk == chosen), mine[0] if mine else None)


class PermissionMiddleware:
    """Asks the permission table for every request. What it refuses looks like what does not exist."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        needed = table().needed(match.view_name if match else "", request.method or "GET")
        if needed == ANYONE:
            return None
        if not request.user.is_authenticated:
            if needed is None and request.method not in ("GET", "HEAD", "POST"):
                raise Http404
            return HttpResponseRedirect(f"{reverse(settings.LOGIN_URL)}?next={request.path}")
        if needed == USER:
            return None
        held: RoleHeld | None = request.held  # type: ignore[attr-defined]
        if needed is None or held is None or not table().may(held.role, needed):
            raise Http404
        if held.role in SECOND_FACTOR and not has_second_factor(request):
            return HttpResponseRedirect(reverse("accounts:second_factor"))
        return None


def has_second_factor(request: HttpRequest) -> bool:
    """Whether this session was opened with a second factor (or a passkey, which is one)."""
    methods = request.session.get("account_authentication_methods", [])
    return any(m.get("method") == "mfa" for m in methods)
