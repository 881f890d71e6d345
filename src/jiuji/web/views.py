"""Home, search, the standard in force, the component page."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_safe

from jiuji import clock
from jiuji.accounts.permissions import table
from jiuji.divisions.models import local_name


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What to do next, by what the role may do."""
    from jiuji.audit.models import Event
    from jiuji.people.models import Household, Person

    held = request.held  # type: ignore[attr-defined]
    counts = []
    if held is not None and table().may(held.role, "person.read"):
        counts = [
            ("households", Household.objects.count()),
            ("people", Person.objects.filter(merged_into=None).count()),
        ]
    me = request.actor.id  # type: ignore[attr-defined]
    mine = Event.objects.filter(actor_id=me).order_by("-recorded_at")[:12]
    from jiuji.audit.queries import line

    return render(
        request,
        "web/home.html",
        {"counts": dict(counts), "events": [line(e) for e in mine], "held": held, "today": clock.today()},
    )


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Exact number or name; one hit opens at once."""
    from jiuji.people.models import Household
    from jiuji.people.queries import find_people

    text = request.GET.get("q", "").strip()[:80]
    people = list(find_people(text)[:21]) if text else []
    households = list(Household.objects.filter(number=text.upper())[:1]) if "-H" in text.upper() else []
    if len(people) + len(households) == 1:
        if people:
            return redirect("people:person", uid=people[0].uid)
        return redirect("people:household", uid=households[0].uid)
    return render(request, "web/search.html", {"people": people[:20], "more": len(people) > 20, "text": text})


@require_GET
def rulebook(request: HttpRequest) -> HttpResponse:
    """The standard in force for the division of the role held, each value with its source; and what is missing."""
    from jiuji.rulebook.decision import load
    from jiuji.rulebook.errors import JiujiError
    from jiuji.rulebook.terminal import effective_rows

    held = request.held  # type: ignore[attr-defined]
    day, rows, gaps, title = clock.today(), [], [], ""
    found = None
    for division in reversed(held.division.lineage()):
        try:
            found = load(division.code)
            break
        except JiujiError:
            continue
    if found is not None:
        lang = local_name("zh", "en")
        rows = [
            {**row, "label": row["label"][lang]}
            for row in effective_rows(found, day, lang)
            if row["kind"] == "parameter"
        ]
        gaps = [g.label[lang] for g in found.program.gaps(day.toordinal())]
        title = found.program.title.get(lang) or found.program.title["zh"]
    return render(request, "web/rulebook.html", {"rows": rows, "gaps": gaps, "title": title, "day": day, "book": found})


@require_GET
def design(request: HttpRequest) -> HttpResponse:
    from .design_samples import samples

    return render(request, "design/components.html", samples())


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """For a watchdog: the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    return render(request, "web/offline.html")
