from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "jiuji.audit"
    verbose_name = "审计"
