"""The record of what happened, within the scope of the role held."""

from __future__ import annotations

import json

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from .kinds import KINDS, text_of
from .models import Event
from .queries import line

SIZE = 50


@require_GET
def events(request: HttpRequest) -> HttpResponse:
    prefix = request.actor.prefix  # type: ignore[attr-defined]
    rows = Event.objects.filter(division_code__gte=prefix, division_code__lt=prefix + ":").order_by("-id")
    kind, actor, after = (request.GET.get(k, "").strip() for k in ("kind", "actor", "after"))
    if kind in KINDS:
        rows = rows.filter(kind=kind)
    if actor:
        rows = rows.filter(actor_name=actor)
    if after.isdigit():
        rows = rows.filter(id__lt=int(after))
    found = list(rows[: SIZE + 1])
    return render(
        request,
        "audit/list.html",
        {
            "lines": [line(e) for e in found[:SIZE]],
            "after": found[SIZE - 1].pk if len(found) > SIZE else "",
            "kinds": [(k, text_of(k)) for k in KINDS],
            "kind": kind,
            "actor": actor,
        },
    )


@require_GET
def event(request: HttpRequest, chain: str, number: int) -> HttpResponse:
    """One event with everything that its digest vouches for."""
    found = Event.objects.filter(chain=chain, number=number).first()
    if found is None or not found.division_code.startswith(request.actor.prefix):  # type: ignore[attr-defined]
        raise Http404
    body = json.dumps(json.loads(found.body), ensure_ascii=False, indent=2)
    return render(request, "audit/event.html", {"line": line(found), "body": body})
