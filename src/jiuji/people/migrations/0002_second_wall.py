"""Row security on PostgreSQL: even a query that forgot its scope sees only the rows of the session's scope (T07).

And on both engines: nobody is in two households on one day, whatever wrote the row.
"""

from django.db import migrations

POLICIES = [
    statement
    for table in ("people_person", "people_household")
    for statement in (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"""CREATE POLICY scope ON {table} USING (
            starts_with(division_code, current_setting('jiuji.scope', true))
        ) WITH CHECK (true)""",
    )
]
OVERLAP = "a person is in two households on one day"
SQLITE = [
    f"""CREATE TRIGGER people_membership_overlap_{moment} BEFORE {event} ON people_membership
    WHEN EXISTS (SELECT 1 FROM people_membership m WHERE m.person_id = NEW.person_id AND m.id <> coalesce(NEW.id, -1)
      AND (NEW.until IS NULL OR m.since < NEW.until) AND (m.until IS NULL OR NEW.since < m.until))
    BEGIN SELECT RAISE(ABORT, '{OVERLAP}'); END"""
    for moment, event in (("insert", "INSERT"), ("update", "UPDATE"))
]
POSTGRES = [
    """ALTER TABLE people_membership ADD CONSTRAINT people_membership_overlap
    EXCLUDE USING gist (int8range(person_id, person_id, '[]') WITH &&, daterange(since, until) WITH &&)"""
]


def forwards(apps, schema_editor):
    for statement in POSTGRES if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement, None)


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
