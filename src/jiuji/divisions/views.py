"""Divisions and offices, for looking up."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from . import queries


@require_GET
def divisions(request: HttpRequest) -> HttpResponse:
    return redirect("divisions:division", code=request.held.division.code)  # type: ignore[attr-defined]


@require_GET
def division(request: HttpRequest, code: str) -> HttpResponse:
    here = queries.by_code(code)
    if here is None:
        raise Http404
    below = queries.on().filter(parent=here).order_by("code")
    offices = here.offices.filter(valid_until=None)
    return render(request, "divisions/division.html", {"here": here, "below": below, "offices": offices})
