"""What is: events, the end of each chain, checkpoints."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """One thing that happened. Never changed, never deleted: triggers of the database refuse it."""

    chain = models.CharField(_("链"), max_length=6, help_text=_("旗县代码"))
    number = models.BigIntegerField(_("序号"))
    kind = models.CharField(_("事项"), max_length=60)
    subject_type = models.CharField(_("对象类型"), max_length=40, blank=True)
    subject_id = models.CharField(_("对象编号"), max_length=40, blank=True)
    division_code = models.CharField(_("地区"), max_length=12)
    happened_at = models.DateTimeField(_("发生时间"))
    recorded_at = models.DateTimeField(_("记录时间"))
    actor_id = models.CharField(_("操作人编号"), max_length=40, blank=True)
    actor_name = models.CharField(_("操作人"), max_length=80)
    body = models.TextField(_("内容"), help_text=_("规范 JSON（RFC 8785），摘要即按这些字节计算"))
    algorithm = models.CharField(_("算法"), max_length=8)
    previous = models.CharField(_("前一条摘要"), max_length=64)
    digest = models.CharField(_("摘要"), max_length=64)

    class Meta:
        verbose_name = _("事件")
        ordering = ("chain", "number")
        constraints = (models.UniqueConstraint(fields=["chain", "number"], name="event_number_once_in_a_chain"),)
        indexes = (
            models.Index(fields=["subject_type", "subject_id", "recorded_at"], name="event_of_a_subject"),
            models.Index(fields=["division_code", "recorded_at"], name="event_of_a_division"),
            models.Index(fields=["actor_id", "recorded_at"], name="event_of_an_actor"),
        )

    def __str__(self) -> str:
        return f"{self.chain}-{self.number} {self.kind}"


class ChainHead(models.Model):
    """The end of a chain; locked while an event is added, so that two never take the same number."""

    chain = models.CharField(max_length=6, primary_key=True)
    number = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64)
    recorded_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.chain} {self.number}"
