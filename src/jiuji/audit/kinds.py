"""The kinds of events, in words. A kind that is not listed here cannot be shown, and a test finds it."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

KINDS = {
    "signed_in": _("登录"),
    "sign_in_refused": _("登录失败"),
    "signed_out": _("退出"),
    "signed_out_everywhere": _("退出全部会话"),
    "role_chosen": _("切换身份"),
    "account_created": _("建立账号"),
    "account_stopped": _("停用账号"),
    "account_restored": _("恢复账号"),
    "password_reset": _("重置密码"),
    "role_given": _("授予角色"),
    "role_ended": _("终止角色"),
    "second_factor_added": _("启用二次验证"),
    "second_factor_removed": _("停用二次验证"),
    "delegation_signed": _("签署委托审批"),
    "delegation_ended": _("终止委托审批"),
    "kin_declared": _("申报近亲属"),
    "kin_withdrawn": _("撤回近亲属申报"),
    "divisions_imported": _("导入行政区划"),
    "calendar_imported": _("导入放假和调休"),
    "office_opened": _("设立机构"),
    "person_registered": _("登记人员"),
    "person_changed": _("修改人员信息"),
    "person_read": _("查看人员信息"),
    "identifier_revealed": _("查看完整证件或账号"),
    "people_merged": _("合并重复人员"),
    "people_separated": _("撤销合并"),
    "household_opened": _("建立家庭"),
    "household_changed": _("修改家庭信息"),
    "member_joined": _("加入家庭"),
    "member_left": _("离开家庭"),
    "status_recognised": _("登记认定身份"),
    "status_ended": _("终止认定身份"),
    "disability_registered": _("登记残疾等级"),
    "student_registered": _("登记在读阶段"),
    "account_registered": _("登记银行账户"),
    "consent_given": _("取得授权同意"),
    "consent_revoked": _("撤回授权同意"),
    "list_exported": _("导出清单"),
    "scope_refused": _("访问范围以外的信息被拒绝"),
    "keys_rotated": _("更换密钥"),
    "backup_made": _("备份"),
    "checkpoint_made": _("生成审计检查点"),
}


def text_of(kind: str) -> str:
    return gettext(KINDS[kind])
