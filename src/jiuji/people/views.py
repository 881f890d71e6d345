"""Screens of people and households. Every object is found within the scope of the role held, or not at all."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from jiuji import clock
from jiuji.accounts.permissions import table
from jiuji.accounts.scope import everything, inside
from jiuji.accounts.views import take_errors
from jiuji.audit.queries import line, of_subject
from jiuji.audit.services import record
from jiuji.divisions.models import Division

from . import forms, queries, services
from .models import Consent, Household, Membership, Merge, Person, RecognisedStatus
from .paging import Page, page_of

M = TypeVar("M", bound=models.Model)


def _place(request: HttpRequest) -> Division:
    division: Division = request.held.division  # type: ignore[attr-defined]
    return division


def _may(request: HttpRequest, verb: str) -> bool:
    return table().may(request.held.role, verb)  # type: ignore[attr-defined]


def found(request: HttpRequest, model: type[M], uid: UUID) -> M:
    """The object within scope. What exists elsewhere is answered as what does not exist, and leaves an event."""
    hit = model._default_manager.filter(uid=uid).first()
    if hit is None:
        with everything("whether the refused thing exists"):
            exists = model._base_manager.filter(uid=uid).exists()
        if exists:
            with transaction.atomic():
                record(
                    "scope_refused",
                    division_code=_place(request).code,
                    data={"type": model._meta.label_lower, "uid": str(uid)},
                )
        raise Http404
    return hit


def _form(request: HttpRequest, form: Any, title: str, save: str, **more: Any) -> HttpResponse:
    return render(request, "people/form.html", {"form": form, "title": title, "save": save, **more})


# --- people -------------------------------------------------------------------------------------------


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:80]
    rows = queries.find_people(text) if text else Person.objects.filter(merged_into=None).select_related("division")
    page = page_of(rows, request.GET)
    return render(
        request, "people/people.html", {"page": page, "text": text, "may_write": _may(request, "person.write")}
    )


@require_http_methods(["GET", "POST"])
def new_person(request: HttpRequest) -> HttpResponse:
    form = forms.PersonForm(request.POST or None, place=_place(request))
    similar: list[Person] = []
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        reason = values.pop("reason")
        seen = {int(pk) for pk in request.POST.getlist("looked_at") if pk.isdigit()}
        despite = [p for p in services.possible_duplicates(values) if p.pk in seen] if seen else []
        try:
            person = services.register_person(despite=despite, reason=reason, **values)
        except ValidationError as error:
            similar = services.possible_duplicates(values)
            take_errors(form, error)
        else:
            messages.success(request, _("已登记。"))
            return redirect("people:person", uid=person.uid)
    sees = request.held.division.prefix  # type: ignore[attr-defined]
    shown = [(p, p.division_code.startswith(sees)) for p in similar]
    return _form(request, form, _("登记人员"), _("登记"), similar=shown, keep="person-new")


@require_GET
def person(request: HttpRequest, uid: UUID) -> HttpResponse:
    who = found(request, Person, uid)
    if who.merged_into_id:
        return redirect("people:person", uid=who.merged_into.uid)  # type: ignore[union-attr]
    services.note_reading(who)
    today = clock.today()
    similar = [
        p
        for p in services.possible_duplicates(
            {"name": who.name, "birthday": who.birthday, "division": who.division}, but=who
        )
        if p.division_code.startswith(_place(request).prefix)
    ]
    return render(
        request,
        "people/person.html",
        {
            "who": who,
            "age": who.age_on(today),
            "memberships": who.memberships.select_related("household").order_by("-since"),
            "accounts": who.accounts.all(),
            "disabilities": who.disabilities.all(),
            "schooling": who.schooling.all(),
            "consents": [(c, c.holds_at(clock.now())) for c in who.consents.all()],
            "similar": similar,
            "merges": Merge.objects.filter(kept=who, undone_at=None).select_related("gone"),
            "events": [line(e) for e in of_subject(who).exclude(kind="person_read")[:20]],
            "may_write": _may(request, "person.write"),
            "may_reveal": _may(request, "person.reveal"),
            "may_merge": _may(request, "person.merge"),
        },
    )


@require_http_methods(["GET", "POST"])
def change_person(request: HttpRequest, uid: UUID) -> HttpResponse:
    who = found(request, Person, uid)
    start = {k: getattr(who, k) for k in ("name", "papers", "birthday", "sex", "ethnicity", "address", "description")}
    start |= {"division": who.division, "registered_address": who.registered_address}
    form = forms.PersonForm(request.POST or None, initial=start, place=_place(request), changing=True)
    for field in ("identity_number", "phone"):
        form.fields[field].help_text = _("现为 %(value)s；不改的留空。") % {"value": str(getattr(who, field)) or "—"}
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        reason = values.pop("reason")
        for field in ("identity_number", "phone"):
            if not values[field] and not (field == "identity_number" and values["papers"] == "none"):
                del values[field]
        try:
            services.change_person(who, reason=reason, **values)
        except ValidationError as error:
            take_errors(form, error)
        else:
            messages.success(request, _("已修改。"))
            return redirect("people:person", uid=uid)
    return _form(request, form, _("修改人员信息"), _("保存"), about=who, back="../", keep=f"person-{uid}")


@require_POST
def reveal(request: HttpRequest, uid: UUID, field: str, account: UUID | None = None) -> HttpResponse:
    """A whole identifier, after a reason: as text to a script of the page, else on a page of its own. Never in an address."""
    who = found(request, Person, uid)
    holder = None
    if field == "number" and account is not None:
        holder = who.accounts.filter(uid=account).first()
    if field not in ("identity_number", "phone", "number") or (field == "number" and holder is None):
        raise Http404
    plain = request.headers.get("X-Requested-With") == "fetch"
    try:
        value = services.reveal(who, field, reason=request.POST.get("reason", "")[:200], account=holder)
    except ValidationError as error:
        text = "；".join(error.messages)
        if plain:
            return HttpResponse(text, status=422, content_type="text/plain; charset=utf-8")
        messages.error(request, text)
        return redirect("people:person", uid=uid)
    if plain:
        return HttpResponse(value, content_type="text/plain; charset=utf-8")
    return render(request, "people/revealed.html", {"who": who, "value": value})


def _add(request: HttpRequest, uid: UUID, form: Any, title: str, save: Any) -> HttpResponse:
    """A small form about a person: shown, checked, saved by a service, back to the person."""
    who = found(request, Person, uid)
    if request.method == "POST" and form.is_valid():
        try:
            save(who, form.cleaned_data)
        except ValidationError as error:
            take_errors(form, error)
        else:
            messages.success(request, _("已登记。"))
            return redirect("people:person", uid=uid)
    return _form(request, form, title, _("登记"), about=who, back="../")


@require_http_methods(["GET", "POST"])
def add_account(request: HttpRequest, uid: UUID) -> HttpResponse:
    form = forms.AccountForm(request.POST or None, initial={"since": clock.today()})
    return _add(request, uid, form, _("登记银行账户"), lambda who, v: services.register_account(who, **v))


@require_http_methods(["GET", "POST"])
def add_disability(request: HttpRequest, uid: UUID) -> HttpResponse:
    form = forms.DisabilityForm(request.POST or None)
    return _add(request, uid, form, _("登记残疾等级"), lambda who, v: services.register_disability(who, **v))


@require_http_methods(["GET", "POST"])
def add_schooling(request: HttpRequest, uid: UUID) -> HttpResponse:
    form = forms.SchoolingForm(request.POST or None)
    return _add(request, uid, form, _("登记在读阶段"), lambda who, v: services.register_schooling(who, **v))


@require_http_methods(["GET", "POST"])
def add_consent(request: HttpRequest, uid: UUID) -> HttpResponse:
    form = forms.ConsentForm(request.POST or None)

    def save(who: Person, values: dict[str, Any]) -> None:
        services.give_consent(who, values.pop("purpose"), fields=values.pop("fields_"), **values)

    return _add(request, uid, form, _("登记授权同意"), save)


@require_http_methods(["GET", "POST"])
def revoke_consent(request: HttpRequest, uid: UUID, consent: UUID) -> HttpResponse:
    who = found(request, Person, uid)
    given = Consent.objects.filter(uid=consent, person=who, revoked_at=None).first()
    if given is None:
        raise Http404
    form = forms.ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.revoke_consent(given, reason=form.cleaned_data["reason"])
        return redirect("people:person", uid=uid)
    return _form(request, form, _("撤回授权同意"), _("撤回"), about=who, back="../../../")


@require_http_methods(["GET", "POST"])
def merge(request: HttpRequest, uid: UUID, other: UUID) -> HttpResponse:
    """Two records side by side; the first is kept."""
    kept, gone = found(request, Person, uid), found(request, Person, other)
    form = forms.ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.merge_people(kept, gone, reason=form.cleaned_data["reason"])
        except ValidationError as error:
            take_errors(form, error)
        else:
            messages.success(request, _("已合并，可在本页撤销。"))
            return redirect("people:person", uid=uid)
    return _form(request, form, _("合并重复人员"), _("合并"), pair=(kept, gone), back="../../")


@require_http_methods(["GET", "POST"])
def separate(request: HttpRequest, uid: UUID) -> HttpResponse:
    merge = Merge.objects.filter(uid=uid, undone_at=None).select_related("kept", "gone").first()
    if merge is None or not merge.kept.division_code.startswith(_place(request).prefix):
        raise Http404
    form = forms.ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.separate_people(merge, reason=form.cleaned_data["reason"])
        messages.success(request, _("已撤销合并。"))
        return redirect("people:person", uid=merge.kept.uid)
    return _form(request, form, _("撤销合并"), _("撤销合并"), pair=(merge.kept, merge.gone))


# --- households ---------------------------------------------------------------------------------------


def _listed(request: HttpRequest) -> tuple[Any, dict[str, str]]:
    chosen = {k: request.GET.get(k, "").strip()[:80] for k in ("q", "status", "place")}
    rows = queries.households(chosen["q"], chosen["status"], clock.today())
    if chosen["place"].isdigit():
        rows = rows.filter(**inside(chosen["place"]))
    return rows, chosen


@require_GET
def households(request: HttpRequest) -> HttpResponse:
    rows, chosen = _listed(request)
    page: Page = page_of(rows, request.GET)
    places = forms.places(_place(request)).filter(level="township")
    return render(
        request,
        "people/households.html",
        {
            "page": page,
            "chosen": chosen,
            "places": places,
            "kinds": RecognisedStatus.KINDS,
            "may_write": _may(request, "person.write"),
            "may_export": _may(request, "person.export"),
            "query": request.GET.urlencode(),
        },
    )


@require_GET
def export_households(request: HttpRequest) -> HttpResponse:
    """The list as Excel, as filtered, masked; at most 5,000 rows; an event tells who took what."""
    from .export import households_xlsx

    rows, chosen = _listed(request)
    body, count = households_xlsx(rows, request.actor.name)  # type: ignore[attr-defined]
    with transaction.atomic():
        record(
            "list_exported", division_code=_place(request).code, data={"list": "households", "rows": count, **chosen}
        )
    answer = HttpResponse(body, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    answer["Content-Disposition"] = f'attachment; filename="households-{clock.today()}.xlsx"'
    return answer


def _one_person(request: HttpRequest, form: Any, field: str) -> Person | None:
    hits = list(queries.find_people(form.cleaned_data[field])[:2])
    if len(hits) == 1:
        return hits[0]
    text = _("没有找到，请先登记人员。") if not hits else _("同名的不止一人，请用证件号码。")
    form.add_error(field, text)
    return None


@require_http_methods(["GET", "POST"])
def new_household(request: HttpRequest) -> HttpResponse:
    form = forms.HouseholdForm(request.POST or None, place=_place(request))
    if request.method == "POST" and form.is_valid():
        head = _one_person(request, form, "head")
        if head is not None:
            try:
                made = services.open_household(
                    division=form.cleaned_data["division"],
                    head=head,
                    opened_on=form.cleaned_data["opened_on"],
                    address=form.cleaned_data["address"],
                )
            except ValidationError as error:
                take_errors(form, error)
            else:
                return redirect("people:household", uid=made.uid)
    return _form(request, form, _("建立家庭"), _("建立"), keep="household-new")


@require_GET
def household(request: HttpRequest, uid: UUID) -> HttpResponse:
    """A household as of a day: who belongs to it, its status, what happened."""
    home = found(request, Household, uid)
    day = clock.today()
    if text := request.GET.get("on"):
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            messages.error(request, _("日期写法不对，应如 2026-03-02。"))
    return render(
        request,
        "people/household.html",
        {
            "home": home,
            "day": day,
            "members": queries.members_on(home, day),
            "statuses": home.statuses.all(),
            "events": [line(e) for e in of_subject(home)[:30]],
            "may_write": _may(request, "person.write"),
            "may_recognise": _may(request, "status.write"),
        },
    )


@require_http_methods(["GET", "POST"])
def add_member(request: HttpRequest, uid: UUID) -> HttpResponse:
    home = found(request, Household, uid)
    form = forms.MemberForm(request.POST or None, initial={"since": clock.today()})
    if request.method == "POST" and form.is_valid():
        who = _one_person(request, form, "person")
        if who is not None:
            try:
                services.join_household(home, who, form.cleaned_data["relation"], since=form.cleaned_data["since"])
            except ValidationError as error:
                take_errors(form, error)
            else:
                return redirect("people:household", uid=uid)
    return _form(request, form, _("增加家庭成员"), _("增加"), about=home, back="../")


@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest, uid: UUID, pk: int) -> HttpResponse:
    home = found(request, Household, uid)
    membership = Membership.objects.filter(pk=pk, household=home, until=None).select_related("person").first()
    if membership is None:
        raise Http404
    form = forms.LeaveForm(request.POST or None, initial={"until": clock.today()})
    if request.method == "POST" and form.is_valid():
        try:
            services.leave_household(membership, **form.cleaned_data)
        except ValidationError as error:
            take_errors(form, error)
        else:
            return redirect("people:household", uid=uid)
    return _form(request, form, _("办理离开"), _("确认离开"), about=membership, back="../../../")


@require_http_methods(["GET", "POST"])
def add_status(request: HttpRequest, uid: UUID) -> HttpResponse:
    home = found(request, Household, uid)
    form = forms.StatusForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        try:
            services.recognise(home, values.pop("kind"), **values)
        except ValidationError as error:
            take_errors(form, error)
        else:
            return redirect("people:household", uid=uid)
    return _form(request, form, _("登记认定身份"), _("登记"), about=home, back="../")
