"""What is typed on the screens of people and households. Rules live in the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jiuji import clock
from jiuji.accounts.forms import DateInput
from jiuji.divisions.models import Division
from jiuji.divisions.queries import within

from .models import Consent, Disability, Membership, Person, RecognisedStatus, Schooling


class DivisionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A village or township within the role's division, with its full name."""

    def label_from_instance(self, division: Division) -> str:
        parent = division.parent
        return f"{parent.name} {division.name}" if division.level == "village" and parent else division.name


def places(division: Division) -> Any:
    return within(division.code).filter(level__in=("township", "village")).select_related("parent").order_by("code")


class PersonForm(forms.Form):
    name = forms.CharField(label=_("姓名"), max_length=60, help_text=_("与证件一致；身份不明的写“不明”。"))
    papers = forms.ChoiceField(label=_("证件类型"), choices=Person.PAPERS)
    identity_number = forms.CharField(
        label=_("证件号码"),
        max_length=30,
        required=False,
        help_text=_("18 位。出生日期和性别由号码得出。"),
        widget=forms.TextInput(attrs={"data-sensitive": "", "inputmode": "text", "autocomplete": "off"}),
    )
    birthday = forms.DateField(label=_("出生日期"), widget=DateInput, required=False, help_text=_("没有证件时填写。"))
    sex = forms.ChoiceField(label=_("性别"), choices=Person.SEXES, required=False)
    ethnicity = forms.CharField(label=_("民族"), max_length=20, required=False)
    phone = forms.CharField(
        label=_("联系电话"),
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"data-sensitive": "", "inputmode": "tel", "autocomplete": "off"}),
    )
    division = DivisionField(label=_("现居住地"), queryset=Division.objects.none())
    address = forms.CharField(label=_("详细地址"), max_length=200, required=False)
    registered_address = forms.CharField(
        label=_("户籍详细地址"), max_length=200, required=False, help_text=_("与现居住地不同时填写。")
    )
    description = forms.CharField(
        label=_("特征"), max_length=300, required=False, help_text=_("身份不明时：外貌、衣着、发现地点。")
    )
    reason = forms.CharField(label=_("说明"), max_length=200, required=False)

    def __init__(self, *args: Any, place: Division, changing: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["division"].queryset = places(place)  # type: ignore[attr-defined]
        if changing:
            self.fields["reason"].required = True
            self.fields["reason"].label = _("修改原因")
        else:
            self.fields["reason"].widget = forms.HiddenInput()


class HouseholdForm(forms.Form):
    division = DivisionField(label=_("居住地"), queryset=Division.objects.none())
    address = forms.CharField(label=_("详细地址"), max_length=200, required=False)
    opened_on = forms.DateField(label=_("建立日期"), widget=DateInput)
    head = forms.CharField(
        label=_("户主证件号码或姓名"),
        max_length=60,
        help_text=_("须已登记。"),
        widget=forms.TextInput(attrs={"data-sensitive": "", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, place: Division, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["division"].queryset = places(place)  # type: ignore[attr-defined]
        self.fields["opened_on"].initial = clock.today()


class MemberForm(forms.Form):
    person = forms.CharField(
        label=_("证件号码或姓名"),
        max_length=60,
        help_text=_("须已登记。"),
        widget=forms.TextInput(attrs={"data-sensitive": "", "autocomplete": "off"}),
    )
    relation = forms.ChoiceField(label=_("与户主关系"), choices=Membership.RELATIONS)
    since = forms.DateField(label=_("加入日期"), widget=DateInput)


class LeaveForm(forms.Form):
    until = forms.DateField(label=_("离开日期"), widget=DateInput, help_text=_("从这一天起不再属于本户。"))
    reason = forms.CharField(label=_("原因"), max_length=200)


class StatusForm(forms.Form):
    kind = forms.ChoiceField(label=_("认定身份"), choices=RecognisedStatus.KINDS)
    since = forms.DateField(label=_("起"), widget=DateInput)
    until = forms.DateField(label=_("止"), widget=DateInput, required=False)
    document = forms.CharField(label=_("证号或文号"), max_length=80, required=False)
    source = forms.CharField(label=_("来源"), max_length=80, required=False)


class AccountForm(forms.Form):
    number = forms.CharField(
        label=_("账号"),
        max_length=30,
        widget=forms.TextInput(attrs={"data-sensitive": "", "inputmode": "numeric", "autocomplete": "off"}),
    )
    bank = forms.CharField(
        label=_("开户银行"),
        max_length=80,
        required=False,
        help_text=_("能由账号判断的可不填。"),
    )
    since = forms.DateField(label=_("起"), widget=DateInput)


class DisabilityForm(forms.Form):
    kind = forms.ChoiceField(label=_("类别"), choices=Disability.KINDS)
    grade = forms.TypedChoiceField(
        label=_("等级"), choices=[(n, str(n)) for n in (1, 2, 3, 4)], coerce=int, help_text=_("一级、二级为重度。")
    )
    since = forms.DateField(label=_("起"), widget=DateInput)


class SchoolingForm(forms.Form):
    stage = forms.ChoiceField(label=_("阶段"), choices=Schooling.STAGES)
    school = forms.CharField(label=_("学校"), max_length=80, required=False)
    self_paid_choice = forms.BooleanField(label=_("自费择校"), required=False)
    since = forms.DateField(label=_("起"), widget=DateInput)


class ConsentForm(forms.Form):
    purpose = forms.ChoiceField(label=_("用途"), choices=Consent.PURPOSES)
    recipients = forms.CharField(label=_("接收方"), max_length=300)
    fields_ = forms.CharField(label=_("信息范围"), max_length=300)
    evidence = forms.CharField(label=_("凭据"), max_length=200, help_text=_("如：2026-03-02 签字授权书"))
    given_at = forms.DateTimeField(
        label=_("同意时间"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    until = forms.DateField(label=_("有效期至"), widget=DateInput, required=False)


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("原因"), max_length=200)
