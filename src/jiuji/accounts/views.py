"""Screens: choosing a role, one's own account, accounts and roles, delegations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from jiuji import clock
from jiuji.audit.services import record
from jiuji.divisions.models import Division

from . import services
from .forms import AccountForm, DelegationForm, ReasonForm, RoleForm
from .middleware import HOLDING
from .models import SECOND_FACTOR, Delegation, RoleHeld, User


def take_errors(form: Any, error: ValidationError) -> None:
    """Put a service's complaints beside the fields that they are about."""
    if hasattr(error, "error_dict"):
        for field, errors in error.error_dict.items():
            form.add_error(field if field in form.fields else None, errors)
    else:
        form.add_error(None, error)


def locked_out(request: HttpRequest, credentials: Any = None, *args: Any, **kwargs: Any) -> HttpResponse:
    """Too many wrong passwords: wait."""
    return render(request, "accounts/locked_out.html", status=429)


@require_http_methods(["GET", "POST"])
def roles(request: HttpRequest) -> HttpResponse:
    """Choose under which of one's roles to work."""
    mine = list(request.user.holdings_on())  # type: ignore[union-attr]
    if request.method == "POST":
        held = next((h for h in mine if str(h.pk) == request.POST.get("role")), None)
        if held is None:
            raise Http404
        request.session[HOLDING] = held.pk
        with transaction.atomic():
            record("role_chosen", subject=request.user, division_code=held.division.code, data={"role": held.role})  # type: ignore[arg-type]
        return redirect("web:home")
    return render(request, "accounts/roles.html", {"roles": mine})


@require_GET
def me(request: HttpRequest) -> HttpResponse:
    """One's own account: factors, sessions, the last sign-in."""
    return render(request, "accounts/me.html", {"roles": list(request.user.holdings_on())})  # type: ignore[union-attr]


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        count = services.end_sessions(request.user)  # type: ignore[arg-type]
        place = request.held.division.code if request.held else "150000"  # type: ignore[attr-defined]
        record("signed_out_everywhere", subject=request.user, division_code=place, data={"sessions": count})  # type: ignore[arg-type]
    request.session.flush()
    return redirect("account_login")


@require_GET
def second_factor(request: HttpRequest) -> HttpResponse:
    """The role needs a second factor: set one up, or sign in again with it."""
    has = request.user.authenticator_set.exclude(type="recovery_codes").exists()  # type: ignore[union-attr]
    return render(request, "accounts/second_factor.html", {"has": has})


# --- accounts and roles -------------------------------------------------------------------------------


def _mine(request: HttpRequest) -> Division:
    division: Division = request.held.division  # type: ignore[attr-defined]
    return division


def _users(request: HttpRequest) -> Any:
    prefix = _mine(request).prefix
    return User.objects.filter(roles__division__code__startswith=prefix).distinct() | User.objects.filter(
        roles__isnull=True
    )


@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    today = clock.today()
    rows = []
    for user in _users(request).distinct().order_by("username")[:500]:
        rows.append({"user": user, "roles": list(user.holdings_on(today))})
    return render(request, "accounts/list.html", {"rows": rows, "needs": SECOND_FACTOR})


@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    form = AccountForm(request.POST or None, division=_mine(request))
    if request.method == "POST" and form.is_valid():
        try:
            user = services.create_account(**form.cleaned_data)
        except ValidationError as error:
            take_errors(form, error)
        else:
            messages.success(request, _("账号已建立，请授予角色。"))
            return redirect("accounts:account", uid=user.uid)
    return render(request, "accounts/form.html", {"form": form, "title": _("建立账号"), "save": _("建立")})


def _user(request: HttpRequest, uid: UUID) -> User:
    found = _users(request).filter(uid=uid).first()
    if found is None:
        raise Http404
    return found  # type: ignore[no-any-return]


@require_GET
def account(request: HttpRequest, uid: UUID) -> HttpResponse:
    from jiuji.audit.queries import line, of_subject

    user = _user(request, uid)
    events = [line(e) for e in of_subject(user)[:30]]
    return render(
        request,
        "accounts/account.html",
        {"shown": user, "roles": user.roles.select_related("office", "division"), "events": events},
    )


@require_http_methods(["GET", "POST"])
def give_role(request: HttpRequest, uid: UUID) -> HttpResponse:
    user = _user(request, uid)
    form = RoleForm(request.POST or None, division=_mine(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.give_role(user, **form.cleaned_data)
        except ValidationError as error:
            take_errors(form, error)
        else:
            messages.success(request, _("角色已授予。"))
            return redirect("accounts:account", uid=uid)
    return render(
        request, "accounts/form.html", {"form": form, "title": _("授予角色"), "save": _("授予"), "about": user}
    )


@require_http_methods(["GET", "POST"])
def end_role(request: HttpRequest, uid: UUID, pk: int) -> HttpResponse:
    user = _user(request, uid)
    held = get_object_or_404(RoleHeld, pk=pk, user=user, division__code__startswith=_mine(request).prefix)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.end_role(held, day=form.cleaned_data["day"] or clock.today(), reason=form.cleaned_data["reason"])
        except ValidationError as error:
            take_errors(form, error)
        else:
            return redirect("accounts:account", uid=uid)
    return render(
        request, "accounts/form.html", {"form": form, "title": _("终止角色"), "save": _("终止"), "about": held}
    )


@require_http_methods(["GET", "POST"])
def stop(request: HttpRequest, uid: UUID) -> HttpResponse:
    user = _user(request, uid)
    form = ReasonForm(request.POST or None)
    del form.fields["day"]
    if request.method == "POST" and form.is_valid():
        act = services.stop_account if user.is_active else services.restore_account
        act(user, _mine(request).code, form.cleaned_data["reason"])
        return redirect("accounts:account", uid=uid)
    title = _("停用账号") if user.is_active else _("恢复账号")
    return render(request, "accounts/form.html", {"form": form, "title": title, "save": title, "about": user})


# --- delegations --------------------------------------------------------------------------------------


@require_GET
def delegations(request: HttpRequest) -> HttpResponse:
    """Which township may decide up to what, now and before. Clause: nm-2018 §3.1.2."""
    today = clock.today()
    rows = Delegation.objects.filter(township__code__startswith=_mine(request).prefix).select_related(
        "county", "township", "signed_by"
    )
    return render(
        request, "accounts/delegations.html", {"rows": [(d, d.in_force(today)) for d in rows], "today": today}
    )


def _county(request: HttpRequest) -> Division:
    division = _mine(request)
    if division.level != "county":
        raise Http404
    return division


@require_http_methods(["GET", "POST"])
def sign_delegation(request: HttpRequest) -> HttpResponse:
    county = _county(request)
    form = DelegationForm(request.POST or None, county=county)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        for name in ("limit_emergency", "limit_expenditure"):
            values[name] = int(values[name] * 100)
        try:
            services.sign_delegation(county=county, signer=request.user, **values)  # type: ignore[arg-type]
        except ValidationError as error:
            take_errors(form, error)
        else:
            messages.success(request, _("委托审批已签署。"))
            return redirect("accounts:delegations")
    return render(request, "accounts/form.html", {"form": form, "title": _("签署委托审批"), "save": _("签署")})


@require_http_methods(["GET", "POST"])
def end_delegation(request: HttpRequest, uid: UUID) -> HttpResponse:
    delegation = get_object_or_404(Delegation, uid=uid, county=_county(request), ended_on=None)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.end_delegation(
            delegation, day=form.cleaned_data["day"] or clock.today(), reason=form.cleaned_data["reason"]
        )
        return redirect("accounts:delegations")
    return render(
        request,
        "accounts/form.html",
        {"form": form, "title": _("终止委托审批"), "save": _("终止"), "about": delegation},
    )
