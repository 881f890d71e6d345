"""Example data for the component page ``/design/``: plain values, no database, invented people.

The figures are those of the example county (2026) and add up: 78,412.60 − 31,204.10 − 6,208.50 − 0 − 3,000.00 =
38,000.00; 20,000 × 20 % + 8,000 × 30 % = 6,400.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms

from jiuji.clock import PLACE

HERE = "#"


def _at(month: int, day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute, tzinfo=PLACE)


class _ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class SampleForm(forms.Form):
    """Every kind of field once."""

    name = forms.CharField(label="姓名", max_length=40)
    identity = forms.CharField(label="证件号码", help_text="18 位公民身份号码；没有证件的，先填“暂不知道”。")
    happened_on = forms.DateField(label="事发日期", widget=forms.DateInput(attrs={"type": "date"}))
    expense = forms.DecimalField(label="个人自负医疗费用", help_text="扣除各项报销之后。", decimal_places=2)
    event = forms.ChoiceField(
        label="发生了什么",
        choices=[("fire", "火灾"), ("traffic", "交通事故"), ("disaster", "自然灾害"), ("illness", "突发重病")],
        widget=forms.RadioSelect,
    )
    status = forms.ChoiceField(
        label="家庭类别", choices=[("", "请选择"), ("dibao", "低保"), ("margin", "低保边缘"), ("other", "其他")]
    )
    proofs = forms.MultipleChoiceField(
        label="已交材料",
        choices=[("id", "身份证明"), ("bill", "医保结算单"), ("income", "收入证明")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    note = forms.CharField(label="补充说明", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    photos = forms.FileField(
        label="照片和单据",
        widget=_ManyFiles(attrs={"accept": "image/*,.pdf"}),
        required=False,
        help_text="原件拍清楚即可。",
    )
    consent = forms.BooleanField(label="已向申请人说明并取得信息核对授权")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        extras: dict[str, dict[str, Any]] = {
            "identity": {"sensitive": True},
            "expense": {"suffix": "元", "clause": "2.2.3", "clause_url": HERE},
            "event": {"chips": True},
            "photos": {"max_bytes": 10 * 1024 * 1024},
            "consent": {"clause": "3.1.2"},
        }
        for name, values in extras.items():
            for key, value in values.items():
                setattr(self.fields[name], key, value)

    @property
    def sections(self) -> list[dict[str, Any]]:
        groups = [
            ("申请人", "", ["name", "identity", "status", "happened_on"]),
            ("事由", "以同一事由重复申请的，请写明理由。", ["event", "expense", "proofs", "note"]),
            ("材料与授权", "", ["photos", "consent"]),
        ]
        return [{"title": t, "note": note, "fields": [self[n] for n in names]} for t, note, names in groups]


class FilterForm(forms.Form):
    track = forms.ChoiceField(
        label="类型", required=False, choices=[("", "全部"), ("emergency", "急难型"), ("expenditure", "支出型")]
    )
    step = forms.ChoiceField(
        label="环节", required=False, choices=[("", "全部"), ("visit", "入户调查"), ("approve", "审批")]
    )
    since = forms.DateField(label="受理日期起", required=False, widget=forms.DateInput(attrs={"type": "date"}))


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="退回理由", widget=forms.Textarea(attrs={"rows": 3}), help_text="经办人会看到这段话。"
    )


def shell() -> dict[str, Any]:
    """What the shell's context processor gives on a real page."""

    def item(label: str, badge: int | None = None, current: bool = False) -> dict[str, Any]:
        return {"label": label, "url": HERE, "badge": badge, "badge_label": "件" if badge else "", "current": current}

    return {
        "navigation": [
            {"title": "", "items": [item("待办", 7), item("案件", None, True), item("受理窗口"), item("线索", 2)]},
            {"title": "资金", "items": [item("资金总览"), item("发放批次"), item("备用金")]},
            {"title": "公开", "items": [item("公示"), item("异议")]},
            {"title": "政策", "items": [item("救助标准"), item("统计")]},
        ],
        "office_name": "示例旗民政局",
        "user_name": "其其格",
        "role_label": "旗县审批",
        "user_key": "sample",
        "search_url": HERE,
        "switch_url": HERE,
        "account_url": HERE,
        "language_url": HERE,
        "sign_out_url": HERE,
        "home_url": "/",
        "demo": True,
        "theme": "auto",
    }


def _head() -> dict[str, Any]:
    return {
        "page_title": "巴特尔 一家　重大疾病支出",
        "page_crumbs": [
            {"label": "案件", "url": HERE},
            {"label": "示例旗", "url": HERE},
            {"label": "宝力根苏木", "url": ""},
        ],
        "page_tags": [{"label": "支出型", "tone": ""}, {"label": "审批剩余 2 个工作日", "tone": "warn"}],
        "page_number": "150199-2026-000318",
        "page_actions": [
            {"label": "退回", "url": HERE, "dialog": "send-back"},
            {
                "label": "不予救助",
                "url": HERE,
                "method": "post",
                "tone": "danger",
                "confirm": "不予救助须书面说明理由。确定不予救助？",
            },
            {
                "label": "批准 6,400 元",
                "url": HERE,
                "method": "post",
                "tone": "go",
                "confirm": "批准后即占用中央补助 2026 的 6,400.00 元，并转入发放。",
                "confirm_action": "批准 6,400 元",
            },
        ],
    }


def _steps() -> list[dict[str, str]]:
    done = [
        ("受理", "10-12 宝音"),
        ("信息核对", "10-15 自动"),
        ("入户调查", "10-16 二人"),
        ("邻里走访", "10-16 3 户"),
        ("民主评议", "10-20 5:0"),
        ("公示", "至 10-28 无异议"),
    ]
    return [{"label": label, "note": note, "state": "done"} for label, note in done] + [
        {"label": "审批", "note": "期限 11-04", "state": "now"},
        {"label": "发放", "note": "批准后 3 日", "state": "wait"},
    ]


def _steps_first() -> list[dict[str, str]]:
    return [
        {"label": "先行救助", "note": "11-02 03:40", "state": "done"},
        {"label": "信息核对", "note": "可免", "state": "skipped"},
        {"label": "补办登记", "note": "逾期 1 个工作日", "state": "overdue"},
        {"label": "入户调查", "note": "期限 11-16", "state": "wait"},
    ]


def _facts() -> list[dict[str, str]]:
    rows = [
        ("家庭人口", "4 人", "4 人", "4 人", "公安户籍 10-15", "verified", ""),
        ("年人均可支配收入", "21,000", "23,650", "23,650", "社保、税务 10-15，家庭已说明", "differs", "diff"),
        ("医疗总费用", "78,400.00", "78,412.60", "78,412.60", "医保结算单 10-15", "verified", ""),
        ("基本医保报销", "31,200.00", "31,204.10", "31,204.10", "医保结算单", "verified", "sub"),
        ("大病保险", "6,000.00", "6,208.50", "6,208.50", "医保结算单", "verified", "sub"),
        ("商业补充保险", "0", "—", "0", "申报", "", "sub"),
        ("医疗救助", "3,000.00", "3,000.00", "3,000.00", "医保局", "verified", "sub"),
        ("房屋 / 车辆", "1 / 0", "1 / 0", "1 / 0", "不动产、交管", "verified", ""),
    ]
    keys = ("label", "declared", "verified", "taken", "source", "state", "tone")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _events() -> list[dict[str, Any]]:
    return [
        {"happened_at": _at(10, 28, 17), "recorded_at": _at(10, 28, 17), "text": "公示期满，无异议", "actor": "系统"},
        {
            "happened_at": _at(10, 20, 10, 30),
            "recorded_at": _at(10, 20, 11, 5),
            "text": "民主评议：5 人参加，5 票同意；回避 1 人（堂弟）",
            "actor": "宝音",
            "url": HERE,
        },
        {
            "happened_at": _at(10, 16, 15, 10),
            "recorded_at": _at(10, 17, 8, 40),
            "text": "入户调查：照片 6 张，二人签字",
            "late": True,
            "late_reason": "无信号",
        },
        {
            "happened_at": _at(10, 15, 2),
            "recorded_at": _at(10, 15, 2),
            "text": "信息核对：9 个来源答复，1 项不一致",
            "actor": "系统",
        },
    ]


def _decision() -> dict[str, Any]:
    return {
        "result": "granted",
        "headline": "6,400 元",
        "note": "可予救助 · 二档",
        "pairs": [
            {"label": "类别", "value": "医疗支出", "clause": "2.2.3", "clause_url": HERE},
            {"label": "审批权限", "value": "旗县（超过乡镇支出型额度 3,000）", "clause": "3.1.2", "clause_url": HERE},
            {"label": "资金", "value": "中央补助 2026　可用 412,600"},
            {"label": "尚需了解", "value": "无"},
        ],
    }


def _why() -> list[dict[str, Any]]:
    return [
        {
            "label": "救助金额",
            "value": "6,400",
            "clause": "4.1",
            "clause_url": HERE,
            "formula": "各段之和，未触及年度上限 41,280，四舍五入到元",
            "children": [
                {"label": "10,000 至 30,000 部分 × 20 %", "value": "4,000"},
                {"label": "30,000 至 60,000 部分 × 30 %", "value": "2,400", "formula": "（38,000 − 30,000）× 30 %"},
                {
                    "label": "个人自负医疗费用",
                    "value": "38,000.00",
                    "clause": "2.2.3",
                    "clause_url": HERE,
                    "formula": "总费用 − 基本医保 − 大病 − 商业 − 医疗救助",
                },
            ],
        },
        {
            "label": "家庭经济状况",
            "value": "通过",
            "state": "met",
            "clause": "2.2",
            "clause_url": HERE,
            "children": [
                {"label": "人均可支配收入低于上年度水平", "value": "23,650 ＜ 42,000"},
                {"label": "金融资产", "value": "15,200 ≤ 82,560"},
                {"label": "房屋、车辆", "value": "1 ≤ 1，0"},
            ],
        },
        {"label": "十二个月内同一事由", "value": "无", "state": "met", "clause": "3.0"},
    ]


def _list() -> dict[str, Any]:
    def row(
        number: str, family: str, kind: str, step: str, tone: str, due: dt.date, fen: int | None, left: str
    ) -> dict[str, Any]:
        return {
            "url": f"#{number}",
            "tone": tone,
            "cells": [
                {"text": family, "note": number},
                {"text": kind},
                {"tag": step, "tone": tone or "quiet"},
                {"when": due, "note": left},
                {"fen": fen} if fen is not None else {"text": None},
            ],
        }

    return {
        "columns": [
            {"label": "家庭"},
            {"label": "事由"},
            {"label": "环节"},
            {"label": "期限", "sort_url": "?sort=due", "sorted": "ascending"},
            {"label": "金额（元）", "kind": "n", "sort_url": "?sort=amount"},
        ],
        "rows": [
            row(
                "150199-2026-000311",
                "娜仁 一家",
                "火灾",
                "补办登记",
                "bad",
                dt.date(2026, 11, 2),
                300000,
                "逾期 1 个工作日",
            ),
            row(
                "150199-2026-000318",
                "巴特尔 一家",
                "重大疾病支出",
                "审批",
                "warn",
                dt.date(2026, 11, 4),
                640000,
                "剩 2 个工作日",
            ),
            row("150199-2026-000322", "李建国", "交通事故", "入户调查", "", dt.date(2026, 11, 12), None, ""),
            row("150199-2026-000325", "阿拉腾 一家", "子女教育支出", "信息核对", "", dt.date(2026, 11, 17), None, ""),
        ],
        "saved_views": [
            {"label": "我要办的", "url": HERE, "current": True, "count": 7},
            {"label": "本周到期", "url": HERE, "count": 3},
            {"label": "全部在办", "url": HERE, "count": 318},
        ],
        "count": 318,
        "next_url": "?after=150199-2026-000325",
        "export_url": HERE,
    }


def samples() -> dict[str, Any]:
    """The whole context of ``design/components.html``, without the shell."""
    wrong = SampleForm({"name": "娜仁", "identity": "1501", "expense": "很多", "event": "fire"}, auto_id="wrong_%s")
    return {
        **_head(),
        "send_back_form": ReasonForm(),
        "case_steps": _steps(),
        "first_steps": _steps_first(),
        "facts": _facts(),
        "case_events": _events(),
        "decision": _decision(),
        "undetermined": {
            "result": "undetermined",
            "headline": "尚不能确定",
            "note": "还需了解 2 项情况",
            "pairs": [{"label": "可能的结果", "value": "0 至 13,760 元"}],
            "questions": ["火灾之后，家里现在能住人吗？", "起火的房屋是否为唯一住房？"],
        },
        "refused": {
            "result": "refused",
            "headline": "不予救助",
            "note": "已书面告知理由",
            "pairs": [{"label": "理由", "value": "同一事由重复申请，无正当理由", "clause": "3.0", "clause_url": HERE}],
        },
        "why_nodes": _why(),
        "sign_checks": [
            {"text": "六步齐全，证据齐全"},
            {"text": "您与申请人、经办人无亲属关系"},
            {"text": "未发现拆分：本户十二个月内合计 0 元"},
            {"text": "发放账户尚待银行核验", "state": "open"},
        ],
        "case_list": _list(),
        "filter_form": FilterForm(auto_id="filter_%s"),
        "sample_form": SampleForm(),
        "wrong_form": wrong,
        "tiles": [
            {"label": "今年已批准", "value": "1,204,600.00", "note": "312 户"},
            {"label": "备用金余额", "value": "18,200.00", "note": "宝力根苏木"},
            {"label": "按期办结", "value": "97.4 %", "note": "近三十日"},
            {"label": "先行救助待补", "value": "2 件", "note": "1 件逾期"},
        ],
        "masked_value": "**************1234",
        "person_pairs": [
            {"label": "户主", "value": "巴特尔　男　46 岁"},
            {"label": "住址", "value": "宝力根苏木 巴音嘎查"},
            {"label": "户籍", "value": "示例旗"},
        ],
        "blocked_actions": [
            {"label": "批准 6,400 元", "disabled_reason": "您是本案的入户调查人，应当由他人审批"},
            {"label": "转交", "url": HERE},
        ],
        "alerts": [
            {"tone": "", "title": "标准将于 2027-01-01 更新", "text": "此前受理的案件仍按 2026 年标准办理。"},
            {"tone": "ok", "text": "已批准 6,400.00 元，转入发放。"},
            {"tone": "warn", "title": "核对结果与申报不一致", "points": ["年人均可支配收入：申报 21,000，核对 23,650"]},
            {"tone": "bad", "title": "不能批准", "text": "中央补助 2026 可用余额不足，尚差 1,200.00 元。"},
        ],
        "jobs": [
            {"label": "旧台账导入", "done": 0, "total": 0, "state": "waiting", "message": "前面还有 1 项"},
            {"label": "全旗模拟测算", "done": 8200, "total": 20000, "state": "running", "message": "约需 2 分钟"},
            {
                "label": "10 月发放清单",
                "done": 96,
                "total": 96,
                "state": "done",
                "message": "96 笔，614,400.00 元",
                "result_url": HERE,
                "result_label": "下载",
            },
            {
                "label": "医保结算单比对",
                "done": 310,
                "total": 1200,
                "state": "failed",
                "message": "第 311 行：日期不是日期；之前的 310 行已入库，改正后可从此处继续",
            },
        ],
        "first_events": ["火灾", "交通事故", "自然灾害", "溺水", "突发重病", "其他"],
    }
