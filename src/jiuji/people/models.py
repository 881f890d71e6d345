"""What is: persons, households and who belongs to them since when, status, consents, merges."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from jiuji import clock
from jiuji.accounts.models import User
from jiuji.accounts.scope import Placed, ScopedManager
from jiuji.divisions.models import Division

from .fields import BlindIndexField, ProtectedTextField


def _span(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gt=F("since")), name=name)


class Person(Placed):
    """Somebody: an applicant, a member of a household, a payee. May still be unknown, as after an accident."""

    PAPERS = (
        ("identity", _("居民身份证")),
        ("residence_permit", _("港澳台居民居住证")),
        ("none", _("暂无证件")),
    )
    SEXES = (("m", _("男")), ("f", _("女")), ("", _("未知")))
    uid = models.UUIDField(default=clock.uuid7, unique=True, editable=False)
    name = models.CharField(_("姓名"), max_length=60)
    pinyin = models.CharField(max_length=200, blank=True, editable=False)
    sex = models.CharField(_("性别"), max_length=1, choices=SEXES, blank=True)
    birthday = models.DateField(_("出生日期"), null=True, blank=True)
    ethnicity = models.CharField(_("民族"), max_length=20, blank=True)
    papers = models.CharField(_("证件类型"), max_length=16, choices=PAPERS, default="identity")
    identity_number = ProtectedTextField(_("证件号码"), kind="identity", blank=True, default="")
    identity_index = BlindIndexField(source="identity_number", kind="identity")
    phone = ProtectedTextField(_("联系电话"), kind="phone", blank=True, default="")
    phone_index = BlindIndexField(source="phone", kind="phone")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name=_("现居住地"))
    address = models.CharField(_("详细地址"), max_length=200, blank=True)
    registered_division = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("户籍地")
    )
    registered_address = models.CharField(_("户籍详细地址"), max_length=200, blank=True)
    died_on = models.DateField(_("死亡日期"), null=True, blank=True)
    description = models.CharField(_("特征（身份不明时）"), max_length=300, blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    registered_at = models.DateTimeField(_("登记时间"), default=clock.now, editable=False)

    objects = ScopedManager["Person"]()
    everyone = models.Manager["Person"]()

    class Meta:
        verbose_name = _("人员")
        ordering = ("-pk",)
        default_manager_name = "objects"
        base_manager_name = "everyone"
        indexes = (
            *Placed.Meta.indexes,
            models.Index(fields=["name", "birthday"], name="person_by_name_and_birthday"),
            models.Index(fields=["pinyin", "birthday"], name="person_by_pinyin"),
        )

    def __str__(self) -> str:
        return self.name

    def age_on(self, day: dt.date) -> int | None:
        if self.birthday is None:
            return None
        return day.year - self.birthday.year - ((day.month, day.day) < (self.birthday.month, self.birthday.day))


class Household(Placed):
    """People who live together and apply together. Its members on any day are kept."""

    uid = models.UUIDField(default=clock.uuid7, unique=True, editable=False)
    number = models.CharField(_("户编号"), max_length=20, unique=True)
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name=_("居住地"))
    address = models.CharField(_("详细地址"), max_length=200, blank=True)
    opened_on = models.DateField(_("建立日期"))
    closed_on = models.DateField(_("撤销日期"), null=True, blank=True)
    head_name = models.CharField(_("户主"), max_length=60, blank=True, editable=False)
    size = models.PositiveSmallIntegerField(_("现有人口"), default=0, editable=False)

    objects = ScopedManager["Household"]()
    everyone = models.Manager["Household"]()

    class Meta:
        verbose_name = _("家庭")
        ordering = ("-pk",)
        default_manager_name = "objects"
        base_manager_name = "everyone"
        indexes = (
            *Placed.Meta.indexes,
            models.Index(fields=["head_name", "-id"], name="household_by_head"),
        )

    def __str__(self) -> str:
        return f"{self.head_name or '—'}（{self.number}）"


class Membership(models.Model):
    """A person in a household, from a day until a day; never in two on one day."""

    RELATIONS = (
        ("head", _("户主")),
        ("spouse", _("配偶")),
        ("son", _("儿子")),
        ("daughter", _("女儿")),
        ("parent", _("父母")),
        ("parent_in_law", _("公婆、岳父母")),
        ("grandparent", _("祖父母、外祖父母")),
        ("grandchild", _("孙子女、外孙子女")),
        ("sibling", _("兄弟姐妹")),
        ("child_in_law", _("儿媳、女婿")),
        ("other", _("其他")),
    )
    household = models.ForeignKey(Household, models.PROTECT, related_name="memberships")
    person = models.ForeignKey(Person, models.PROTECT, related_name="memberships")
    relation = models.CharField(_("与户主关系"), max_length=16, choices=RELATIONS)
    since = models.DateField(_("加入日期"))
    until = models.DateField(_("离开日期"), null=True, blank=True)

    class Meta:
        verbose_name = _("家庭成员")
        ordering = ("since", "pk")
        constraints = (
            _span("membership_ends_after_it_begins"),
            models.UniqueConstraint(
                fields=["person"], condition=Q(until__isnull=True), name="membership_one_household_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["household"],
                condition=Q(until__isnull=True, relation="head"),
                name="membership_one_head_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.person} {self.get_relation_display()}"


class RecognisedStatus(models.Model):
    """Dibao, tekun, dibao margin, or the list of dynamic monitoring, with its validity."""

    KINDS = (
        ("dibao", _("最低生活保障")),
        ("tekun", _("特困供养")),
        ("dibao_margin", _("低保边缘")),
        ("monitoring", _("动态监测对象")),
    )
    household = models.ForeignKey(Household, models.PROTECT, related_name="statuses")
    kind = models.CharField(_("认定身份"), max_length=16, choices=KINDS)
    since = models.DateField(_("起"))
    until = models.DateField(_("止"), null=True, blank=True)
    document = models.CharField(_("证号或文号"), max_length=80, blank=True)
    source = models.CharField(_("来源"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("认定身份")
        ordering = ("-since",)
        constraints = (_span("status_ends_after_it_begins"),)

    def __str__(self) -> str:
        return str(self.get_kind_display())


class Disability(models.Model):
    """A disability certificate: kind and grade (1 and 2 are severe)."""

    KINDS = (
        ("visual", _("视力")),
        ("hearing", _("听力")),
        ("speech", _("言语")),
        ("physical", _("肢体")),
        ("intellectual", _("智力")),
        ("mental", _("精神")),
        ("multiple", _("多重")),
    )
    person = models.ForeignKey(Person, models.PROTECT, related_name="disabilities")
    kind = models.CharField(_("类别"), max_length=16, choices=KINDS)
    grade = models.PositiveSmallIntegerField(_("等级"), choices=[(n, str(n)) for n in (1, 2, 3, 4)])
    since = models.DateField(_("起"))
    until = models.DateField(_("止"), null=True, blank=True)

    class Meta:
        verbose_name = _("残疾等级")
        ordering = ("-since",)
        constraints = (_span("disability_ends_after_it_begins"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}{self.grade}"

    @property
    def severe(self) -> bool:
        return self.grade <= 2


class Schooling(models.Model):
    """A stage of education from a day until a day."""

    STAGES = (
        ("preschool", _("学前")),
        ("compulsory", _("义务教育")),
        ("senior_high", _("高中（中职）")),
        ("college", _("全日制大中专")),
    )
    person = models.ForeignKey(Person, models.PROTECT, related_name="schooling")
    stage = models.CharField(_("阶段"), max_length=16, choices=STAGES)
    school = models.CharField(_("学校"), max_length=80, blank=True)
    self_paid_choice = models.BooleanField(_("自费择校"), default=False)
    since = models.DateField(_("起"))
    until = models.DateField(_("止"), null=True, blank=True)

    class Meta:
        verbose_name = _("在读阶段")
        ordering = ("-since",)
        constraints = (_span("schooling_ends_after_it_begins"),)

    def __str__(self) -> str:
        return str(self.get_stage_display())


class BankAccount(models.Model):
    """Where money may be paid to: whose account it is, at which bank."""

    uid = models.UUIDField(default=clock.uuid7, unique=True, editable=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="accounts", verbose_name=_("户名"))
    bank = models.CharField(_("开户银行"), max_length=80)
    number = ProtectedTextField(_("账号"), kind="account")
    number_index = BlindIndexField(source="number", kind="account")
    since = models.DateField(_("起"))
    until = models.DateField(_("止"), null=True, blank=True)

    class Meta:
        verbose_name = _("银行账户")
        ordering = ("-since",)
        constraints = (_span("account_ends_after_it_begins"),)

    def __str__(self) -> str:
        return f"{self.bank} {self.number}"


class Consent(models.Model):
    """What a person agreed to: for which purpose, to whom, which fields, on what evidence; revocable."""

    PURPOSES = (
        ("information_check", _("家庭经济状况核对")),
        ("charity_referral", _("转介慈善组织")),
        ("public_notice", _("公示")),
    )
    uid = models.UUIDField(default=clock.uuid7, unique=True, editable=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="consents")
    purpose = models.CharField(_("用途"), max_length=24, choices=PURPOSES)
    recipients = models.CharField(_("接收方"), max_length=300)
    fields = models.CharField(_("信息范围"), max_length=300)
    evidence = models.CharField(_("凭据"), max_length=200, help_text=_("如：2026-03-02 签字授权书"))
    given_at = models.DateTimeField(_("同意时间"))
    until = models.DateField(_("有效期至"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("撤回时间"), null=True, blank=True)
    revoke_reason = models.CharField(_("撤回原因"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("授权同意")
        ordering = ("-given_at",)

    def __str__(self) -> str:
        return str(self.get_purpose_display())

    def holds_at(self, moment: dt.datetime) -> bool:
        if self.revoked_at is not None and self.revoked_at <= moment:
            return False
        return self.given_at <= moment and (self.until is None or moment.astimezone(clock.PLACE).date() <= self.until)


class Kin(models.Model):
    """A close relative that an officer has declared, for recusal. Relations as in the rules on recusal."""

    RELATIONS = (
        ("spouse", _("配偶")),
        ("parent", _("父母")),
        ("child", _("子女")),
        ("sibling", _("兄弟姐妹")),
        ("grandparent", _("祖父母、外祖父母")),
        ("grandchild", _("孙子女、外孙子女")),
        ("in_law", _("配偶的父母、兄弟姐妹，子女的配偶")),
        ("uncle", _("伯叔姑舅姨")),
    )
    uid = models.UUIDField(default=clock.uuid7, unique=True, editable=False)
    officer = models.ForeignKey(User, models.PROTECT, related_name="kin")
    relation = models.CharField(_("关系"), max_length=16, choices=RELATIONS)
    name = models.CharField(_("姓名"), max_length=60)
    identity_number = ProtectedTextField(_("证件号码"), kind="identity", blank=True, default="")
    identity_index = BlindIndexField(source="identity_number", kind="identity")
    declared_at = models.DateTimeField(_("申报时间"), default=clock.now)
    withdrawn_at = models.DateTimeField(_("撤回时间"), null=True, blank=True)

    class Meta:
        verbose_name = _("近亲属")
        ordering = ("-declared_at",)

    def __str__(self) -> str:
        return f"{self.get_relation_display()} {self.name}"


class Merge(models.Model):
    """Two records of one person made into one. What was moved is written down, so that it can be undone."""

    uid = models.UUIDField(default=clock.uuid7, unique=True, editable=False)
    kept = models.ForeignKey(Person, models.PROTECT, related_name="+")
    gone = models.ForeignKey(Person, models.PROTECT, related_name="+")
    moved = models.JSONField(default=dict)
    merged_at = models.DateTimeField(default=clock.now)
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.gone_id} → {self.kept_id}"


class Counter(models.Model):
    """Numbers given out in order, for one place and year."""

    name = models.CharField(max_length=40, primary_key=True)
    last = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.last}"
