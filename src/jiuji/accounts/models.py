"""What is: users, roles held at offices, delegations of approval."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jiuji import clock
from jiuji.divisions.models import Division, Office

ROLES = [
    ("village_worker", _("嘎查村工作人员")),
    ("window_clerk", _("窗口经办")),
    ("township_reviewer", _("苏木乡镇审核")),
    ("township_approver", _("苏木乡镇审批")),
    ("county_clerk", _("旗县经办")),
    ("county_approver", _("旗县审批")),
    ("county_finance", _("旗县财政")),
    ("verification_officer", _("核对员")),
    ("league_supervisor", _("盟市监督")),
    ("region_supervisor", _("自治区监督")),
    ("auditor", _("审计")),
    ("charity_worker", _("慈善组织工作人员")),
    ("administrator", _("系统管理")),
]
#: Roles that sign or pay or manage accounts: a second factor is required.
SECOND_FACTOR = frozenset({"township_approver", "county_approver", "county_finance", "administrator"})


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who signs in. What they may do hangs on the roles they hold, never on the account itself."""

    uid = models.UUIDField(default=clock.uuid7, unique=True, editable=False)
    username = models.CharField(_("账号"), max_length=60, unique=True)
    name = models.CharField(_("姓名"), max_length=60)
    phone = models.CharField(_("办公电话"), max_length=40, blank=True)
    is_active = models.BooleanField(_("启用"), default=True)
    must_change_password = models.BooleanField(_("下次登录须改密码"), default=False)
    previous_login = models.DateTimeField(_("上次登录"), null=True, blank=True)
    date_joined = models.DateTimeField(_("建立时间"), default=clock.now)

    objects = UserManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = ""
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("账号")

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name

    def holdings_on(self, day: dt.date | None = None) -> models.QuerySet[RoleHeld]:
        """The roles held on a day."""
        day = day or clock.today()
        return (
            self.roles.filter(since__lte=day)
            .filter(Q(until=None) | Q(until__gt=day))
            .select_related("office", "division")
            .order_by("pk")
        )


class RoleHeld(models.Model):
    """A role, held at an office, for a division and all below it, from a day until a day."""

    user = models.ForeignKey(User, models.PROTECT, related_name="roles")
    role = models.CharField(_("角色"), max_length=24, choices=ROLES)
    office = models.ForeignKey(Office, models.PROTECT, related_name="roles")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name=_("范围"))
    since = models.DateField(_("起"))
    until = models.DateField(_("止"), null=True, blank=True)
    given_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("角色")
        constraints = (
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=models.F("since")), name="role_ends_after_it_begins"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_role_display()} · {self.office}"


class Delegation(models.Model):
    """A county lets a township decide up to a limit, per track; signed and dated. Clause: nm-2018 §3.1.2."""

    uid = models.UUIDField(default=clock.uuid7, unique=True, editable=False)
    county = models.ForeignKey(Division, models.PROTECT, related_name="delegations_given")
    township = models.ForeignKey(Division, models.PROTECT, related_name="delegations_held")
    document = models.CharField(_("委托书文号"), max_length=80)
    signed_on = models.DateField(_("签署日期"))
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    since = models.DateField(_("生效日期"))
    until = models.DateField(_("失效日期"), null=True, blank=True)
    limit_emergency = models.BigIntegerField(_("急难型额度（分）"))
    limit_expenditure = models.BigIntegerField(_("支出型额度（分）"))
    ended_on = models.DateField(_("终止日期"), null=True, blank=True)
    end_reason = models.CharField(_("终止原因"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("委托审批")
        ordering = ("-since", "-pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(limit_emergency__gte=0) & Q(limit_expenditure__gte=0), name="delegation_limits_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=models.F("since")), name="delegation_ends_after_it_begins"
            ),
        )

    def __str__(self) -> str:
        return f"{self.township} {self.document}"

    def in_force(self, day: dt.date) -> bool:
        end = min((d for d in (self.until, self.ended_on) if d is not None), default=None)
        return self.since <= day and (end is None or day < end)
