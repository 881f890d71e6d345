from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "jiuji.site"
    label = "jiuji_site"

    def ready(self) -> None:
        from . import checks  # noqa: F401
