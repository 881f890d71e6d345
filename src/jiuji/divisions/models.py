"""What is: divisions with validity dates, offices, days that differ from the published calendar."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

#: From the top down. A code is 6 digits down to the county, 9 for a township, 12 for a village.
LEVELS = [
    ("region", _("自治区")),
    ("league", _("盟市")),
    ("county", _("旗县")),
    ("township", _("苏木乡镇")),
    ("village", _("嘎查村")),
]
ORDER = [name for name, _label in LEVELS]


def prefix_of(code: str) -> str:
    """The digits that all codes below a division begin with: ``150100`` → ``1501``, ``150199`` → ``150199``."""
    if len(code) == 6 and code.endswith("0000"):
        return code[:2]
    if len(code) == 6 and code.endswith("00"):
        return code[:4]
    return code


def county_of(code: str) -> str:
    """The six digits whose audit chain an event of this division belongs to."""
    return code[:6].ljust(6, "0")


class Division(models.Model):
    """A region, league, county, township or village. Codes change; an old one keeps its row and gets an end date."""

    code = models.CharField(_("代码"), max_length=12)
    name = models.CharField(_("名称"), max_length=80)
    level = models.CharField(_("层级"), max_length=8, choices=LEVELS)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    valid_from = models.DateField(_("启用日期"))
    valid_until = models.DateField(_("停用日期"), null=True, blank=True)
    example = models.BooleanField(_("示例"), default=False)

    class Meta:
        verbose_name = _("行政区划")
        ordering = ("code",)
        constraints = (
            models.UniqueConstraint(
                fields=["code"], condition=models.Q(valid_until__isnull=True), name="division_one_current_code"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until__isnull=True) | models.Q(valid_until__gt=models.F("valid_from")),
                name="division_ends_after_it_begins",
            ),
        )
        indexes = (models.Index(fields=["parent", "level"]),)

    def __str__(self) -> str:
        return self.name

    @property
    def prefix(self) -> str:
        return prefix_of(self.code)

    def lineage(self) -> list[Division]:
        """From the region down to this one."""
        chain, here = [self], self.parent
        while here is not None:
            chain.insert(0, here)
            here = here.parent
        return chain

    def full_name(self) -> str:
        """``示例旗宝力根苏木``: from the county down, as an address is written."""
        return "".join(d.name for d in self.lineage() if ORDER.index(d.level) >= 2) or self.name


class Office(models.Model):
    """Where roles are held: civil affairs, finance, a township government, a village committee, a window."""

    KINDS = (
        ("civil_affairs", _("民政部门")),
        ("finance", _("财政部门")),
        ("township", _("苏木乡镇政府（街道办）")),
        ("village", _("嘎查村（居）委会")),
        ("window", _("社会救助窗口")),
        ("verification", _("居民家庭经济状况核对机构")),
        ("audit", _("审计部门")),
        ("charity", _("慈善组织")),
    )
    name = models.CharField(_("名称"), max_length=120)
    kind = models.CharField(_("类型"), max_length=16, choices=KINDS)
    division = models.ForeignKey(Division, models.PROTECT, related_name="offices")
    phone = models.CharField(_("电话"), max_length=40, blank=True)
    address = models.CharField(_("地址"), max_length=200, blank=True)
    valid_from = models.DateField(_("启用日期"))
    valid_until = models.DateField(_("停用日期"), null=True, blank=True)

    class Meta:
        verbose_name = _("机构")
        ordering = ("division__code", "kind", "name")
        constraints = (models.UniqueConstraint(fields=["division", "name"], name="office_name_once_in_a_division"),)

    def __str__(self) -> str:
        return self.name


class CalendarDay(models.Model):
    """A day off or a make-up workday, imported for a year that is not yet published, or of this place only."""

    day = models.DateField(_("日期"))
    works = models.BooleanField(_("是否上班"))
    division = models.ForeignKey(Division, models.PROTECT, null=True, blank=True, verbose_name=_("适用地区"))
    name = models.CharField(_("名称"), max_length=60)
    source = models.CharField(_("依据"), max_length=200)

    class Meta:
        verbose_name = _("放假和调休")
        ordering = ("day",)
        constraints = (
            models.UniqueConstraint(
                fields=["day", "division"], name="calendar_day_once_in_a_place", nulls_distinct=False
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


def local_name(zh: str, en: str) -> str:
    return en if (get_language() or "zh").startswith("en") else zh


def is_current(start: dt.date, end: dt.date | None, day: dt.date) -> bool:
    """Whether a span with an open end holds a day (the end day is the first that is outside)."""
    return start <= day and (end is None or day < end)
