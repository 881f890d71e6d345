"""What is typed on the screens of accounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from jiuji import clock
from jiuji.divisions.models import Division, Office
from jiuji.divisions.queries import within

from .models import ROLES


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class AccountForm(forms.Form):
    username = forms.CharField(label=_("账号"), max_length=60, help_text=_("用于登录，建议用姓名拼音。"))
    name = forms.CharField(label=_("姓名"), max_length=60)
    phone = forms.CharField(label=_("办公电话"), max_length=40, required=False)
    office = forms.ModelChoiceField(label=_("机构"), queryset=Office.objects.none())
    password = forms.CharField(
        label=_("初始密码"), widget=forms.PasswordInput, help_text=_("至少 10 位。首次登录须修改。")
    )

    def __init__(self, *args: Any, division: Division, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["office"].queryset = Office.objects.filter(  # type: ignore[attr-defined]
            division__code__startswith=division.prefix, valid_until=None
        )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("角色"), choices=ROLES)
    office = forms.ModelChoiceField(label=_("机构"), queryset=Office.objects.none())
    division = forms.ModelChoiceField(label=_("范围"), queryset=Division.objects.none(), help_text=_("该地区及以下。"))
    since = forms.DateField(label=_("起"), widget=DateInput)
    until = forms.DateField(label=_("止"), widget=DateInput, required=False)

    def __init__(self, *args: Any, division: Division, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["office"].queryset = Office.objects.filter(  # type: ignore[attr-defined]
            division__code__startswith=division.prefix, valid_until=None
        )
        self.fields["division"].queryset = within(division.code)  # type: ignore[attr-defined]
        self.fields["since"].initial = clock.today()


class ReasonForm(forms.Form):
    day = forms.DateField(label=_("日期"), widget=DateInput, required=False)
    reason = forms.CharField(label=_("原因"), max_length=200)


class DelegationForm(forms.Form):
    township = forms.ModelChoiceField(label=_("苏木乡镇"), queryset=Division.objects.none())
    document = forms.CharField(label=_("委托书文号"), max_length=80)
    signed_on = forms.DateField(label=_("签署日期"), widget=DateInput)
    since = forms.DateField(label=_("生效日期"), widget=DateInput)
    until = forms.DateField(label=_("失效日期"), widget=DateInput, required=False, help_text=_("不填为长期有效。"))
    limit_emergency = forms.DecimalField(
        label=_("急难型额度（元）"), min_value=Decimal(0), max_value=Decimal(1_000_000), decimal_places=2
    )
    limit_expenditure = forms.DecimalField(
        label=_("支出型额度（元）"), min_value=Decimal(0), max_value=Decimal(1_000_000), decimal_places=2
    )

    def __init__(self, *args: Any, county: Division, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["township"].queryset = within(county.code).filter(level="township")  # type: ignore[attr-defined]
