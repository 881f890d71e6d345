"""What every page needs: navigation by what the role may do, who one is, language and theme."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from jiuji.accounts.permissions import table


def _groups() -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        ("", [(_("首页"), "web:home")]),
        (_("家庭和人员"), [(_("家庭"), "people:households"), (_("人员"), "people:people")]),
        (
            _("政策"),
            [(_("救助标准"), "web:rulebook"), (_("委托审批"), "accounts:delegations")],
        ),
        (_("机构"), [(_("行政区划"), "divisions:list"), (_("账号和角色"), "accounts:list")]),
        (_("监督"), [(_("审计记录"), "audit:list")]),
    ]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups and links that the role held may open."""
    held = getattr(request, "held", None)
    if held is None:
        return []
    here = request.resolver_match.view_name if request.resolver_match else ""
    shown = []
    for title, entries in _groups():
        items = []
        for label, route in entries:
            needed = table().needed(route, "GET")
            if needed in ("user", "anyone") or (needed and table().may(held.role, needed)):
                current = here.split(":")[0] == route.split(":")[0] and (
                    here == route or _family(here) == _family(route)
                )
                items.append({"label": label, "url": reverse(route), "badge": "", "current": current})
        if items:
            shown.append({"title": title, "items": items})
    return shown


def _family(route: str) -> str:
    name = route.split(":")[-1].split("_")[0]
    return name.rstrip("s").replace("people", "person")


def shell(request: HttpRequest) -> dict[str, Any]:
    held = getattr(request, "held", None)
    user = getattr(request, "user", None)
    return {
        "navigation": navigation(request),
        "demo": settings.DEMO,
        "theme": request.COOKIES.get("theme", "auto"),
        "user_name": user.name if user is not None and user.is_authenticated else "",
        "role_label": str(held.get_role_display()) if held else "",
        "office_name": held.office.name if held else "",
        "search_url": reverse("web:search"),
        "switch_url": reverse("accounts:roles"),
        "language_url": reverse("web:language"),
    }
