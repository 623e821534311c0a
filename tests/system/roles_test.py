"""What each database role may do: the table of docs/architecture.md against every relation of the five databases, and
against what PostgreSQL really refuses."""

import pathlib
import re
import subprocess
import unittest

from beside import DATABASES
from stack import ROOT, Stack

OPERATIONS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def published():
    """{(schema, table): {role: {"SELECT": True or its columns, …}}}; the row of a schema beats that of all."""
    section = (ROOT / "docs" / "architecture.md").read_text().split("### Roles")[1].split("###")[0]
    rows = re.findall(r"^\| (all|`\w+`) \| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.M)
    table = {}
    for own in (False, True):
        for schema, name, runtime, operator in rows:
            if own == (schema != "all"):
                for each in [schema.strip("`")] if own else DATABASES.values():
                    table[each, name] = {each: rights(runtime), "operator": rights(operator)}
    return table


def rights(text):
    """{"SELECT": True, "UPDATE": {"dead", "due_at"}}"""
    found = re.findall(r"([A-Z]+)(?: \(([a-z_, ]+)\))?", text)
    return {operation: set(columns.split(", ")) if columns else True for operation, columns in found}


class Roles(unittest.TestCase):
    def setUp(self):
        self.env = Stack().env

    def psql(self, url, sql):
        """(rows as lists, errors); goes on after an error."""
        psql = pathlib.Path(self.env["POSTGRES_BIN"]) / "psql"
        done = subprocess.run([psql, "-X", "-q", "-At", "-d", url], input=sql, capture_output=True, text=True, check=False)
        return [line.split("|") for line in done.stdout.splitlines()], done.stderr

    def admin(self, database, sql):
        rows, error = self.psql(f"{self.env['ADMIN_DATABASE_URL']} dbname={database}", sql)
        self.assertEqual(error, "")
        return rows

    def url(self, database, role):
        prefix = {"operator": "OPERATOR_", "auditor": "AUDITOR_"}.get(role, "")
        return self.env[f"{prefix}{database.upper()}_DATABASE_URL"]

    def granted(self, database):
        """{(relation, is a view): {role: rights as in rights()}} of all roles, as PostgreSQL says."""
        names = lambda words: ", ".join(f"('{word}')" for word in words)
        rows = self.admin(database, f"""
            SELECT c.relname, c.relkind = 'v', r.role, o.operation, has_table_privilege(r.role, c.oid, o.operation),
                   (SELECT string_agg(a.attname, ',') FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                      AND o.operation IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                      AND has_column_privilege(r.role, c.oid, a.attnum, o.operation))
            FROM pg_class c, (VALUES {names([*DATABASES.values(), 'operator', 'auditor'])}) AS r(role),
                 (VALUES {names(OPERATIONS)}) AS o(operation)
            WHERE c.relnamespace = '{database}'::regnamespace AND c.relkind IN ('r', 'v', 'p', 'm')""")
        found = {}
        for relation, view, role, operation, may, columns in rows:
            granted = found.setdefault((relation, view == "t"), {}).setdefault(role, {})
            if may == "t" or columns:
                granted[operation] = may == "t" or set(columns.split(","))
        return found

    def test_rights_on_every_relation_are_as_published(self):
        table = published()
        seen = set()
        for database in DATABASES.values():
            for (relation, view), granted in self.granted(database).items():
                wanted = {"auditor": {"SELECT": True}}
                if not view:
                    self.assertIn((database, relation), table, "no row in docs/architecture.md")
                    wanted = table[database, relation]
                    seen.add((database, relation))
                for role, rights_of_role in granted.items():
                    with self.subTest(f"{role}: {database}.{relation}"):
                        self.assertEqual(rights_of_role, wanted.get(role, {}))
        self.assertEqual(set(table) - seen, set(), "in docs/architecture.md only")

    def test_nobody_but_the_owner_changes_a_schema(self):
        statements = ("CREATE TABLE {0}.mine (n int)", "CREATE SCHEMA mine", "CREATE TEMP TABLE mine (n int)",
                      "ALTER TABLE {0}.outbox ADD COLUMN mine int", "DROP TABLE {0}.outbox", "TRUNCATE {0}.outbox",
                      "CREATE INDEX ON {0}.outbox (type)", "GRANT SELECT ON {0}.outbox TO PUBLIC",
                      "DELETE FROM {0}.outbox", "UPDATE {0}.outbox SET data = ''",
                      "UPDATE {0}.schema_migrations SET name = ''", "SET ROLE {0}_owner")
        for database in DATABASES.values():
            for role in (database, "operator", "auditor"):
                _, errors = self.psql(self.url(database, role) + " options='-c default_transaction_read_only=off'",
                                      ";\n".join(statements).format(database) + ";")
                refused = re.findall(r"permission denied|must be owner|no privileges were granted", errors)
                self.assertEqual(len(refused), len(statements), f"{role}: {errors}")

    def test_a_reader_holds_nobody_up_and_writes_nothing(self):
        """An advisory lock would stop relays and migrations; a large object is a write that no table's rights see."""
        calls = ("pg_advisory_lock(1)", "pg_try_advisory_lock(1)", "pg_advisory_xact_lock_shared(1, 2)", "lo_create(0)",
                 "lo_from_bytea(0, 'x')", "lo_creat(-1)")
        for database in DATABASES.values():
            _, errors = self.psql(self.url(database, "auditor") + " options='-c default_transaction_read_only=off'",
                                  "".join(f"SELECT {call};\n" for call in calls))
            self.assertEqual(errors.count("permission denied for function"), len(calls), f"{database}: {errors}")

    def test_a_service_reaches_its_own_database_only(self):
        for database in DATABASES.values():
            for other in (*DATABASES.values(), "postgres", "template1"):
                if other == database:
                    continue
                with self.subTest(f"{database} to {other}"):
                    _, error = self.psql(self.url(database, database) + f" dbname={other}", "SELECT 1")
                    self.assertIn("permission denied for database", error)

    def test_an_owner_is_a_plain_role(self):
        rows = self.admin("postgres", "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres'"
                          " AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)")
        self.assertEqual(rows, [])


if __name__ == "__main__":
    unittest.main()
