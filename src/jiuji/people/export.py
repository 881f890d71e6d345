"""Lists as Excel: every cell is text or a number, never a formula; identifiers stay masked; marked with who took it."""

from __future__ import annotations

import io
from typing import Any

import xlsxwriter
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from jiuji import clock

MOST_ROWS = 5000


def households_xlsx(rows: QuerySet[Any], taken_by: str) -> tuple[bytes, int]:
    """The file and its number of rows."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(buffer, options)
    sheet = book.add_worksheet(_("家庭"))
    heads = (_("户编号"), _("户主"), _("现有人口"), _("居住地"), _("建立日期"))
    for column, head in enumerate(heads):
        sheet.write_string(0, column, str(head), book.add_format({"bold": True}))
    count = 0
    for count, home in enumerate(rows.order_by("-pk")[:MOST_ROWS], 1):
        sheet.write_string(count, 0, home.number)
        sheet.write_string(count, 1, home.head_name)
        sheet.write_number(count, 2, home.size)
        sheet.write_string(count, 3, home.division.full_name())
        sheet.write_string(count, 4, home.opened_on.isoformat())
    moment = clock.now().astimezone(clock.PLACE).strftime("%Y-%m-%d %H:%M")
    sheet.write_string(count + 2, 0, _("%(name)s 导出于 %(at)s") % {"name": taken_by, "at": moment})
    sheet.set_column(0, 3, 22)
    book.close()
    return buffer.getvalue(), count
