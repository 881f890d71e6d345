from django.apps import AppConfig


class DivisionsConfig(AppConfig):
    name = "jiuji.divisions"
    verbose_name = "行政区划"
