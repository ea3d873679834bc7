"""`scoring store migrate`: tables by their owner, rights for the others, whoever the configuration connects as."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from streaming.cli import app
from streaming.config import load_settings
from streaming.errors import StoreError
from streaming.sinks.migrate import check_tables, migrations

pytestmark = pytest.mark.integration


def test_the_owner_migrates_and_gives_rights_while_the_configuration_names_a_writer(settings_file: Path) -> None:
    owner = load_settings(settings_file).store.dsn.get_secret_value()
    tag = os.urandom(4).hex()
    writer, reader, login = f"Writer {tag}", f"reader_{tag}", f"login_{tag}"
    with psycopg.connect(owner, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'p'").format(sql.Identifier(login)))
    as_writer = make_conninfo(owner, user=login, password="p")
    (settings_file.parent / "postgres.dsn").write_text(as_writer)
    arguments = ["store", "migrate", "--config", str(settings_file)]
    try:
        refused = CliRunner().invoke(app, arguments)
        assert isinstance(refused.exception, StoreError)
        roles = ["--writer", writer, "--reader", reader]
        first, second = (CliRunner().invoke(app, [*arguments, *roles], env={"SCORING_OWNER_DSN": owner}) for _ in range(2))
        names = ", ".join(file.name for file in migrations())
        assert first.output == f"applied {names}\nrights given: {writer} (made), {reader} (made)\n"
        assert second.output == f"the tables are up to date\nrights given: {writer}, {reader}\n"
        with pytest.raises(StoreError, match=f"role {login} lacks"):
            check_tables(as_writer)
        with psycopg.connect(owner, autocommit=True) as admin:
            admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(writer), sql.Identifier(login)))
        check_tables(as_writer)
    finally:
        with psycopg.connect(owner, autocommit=True) as admin:
            for role in (login, writer, reader):
                admin.execute(sql.SQL("DROP OWNED BY {0}").format(sql.Identifier(role)))
                admin.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(role)))


def test_roles_of_the_configuration_get_their_rights_each_time(settings_file: Path) -> None:
    tag = os.urandom(4).hex()
    text = settings_file.read_text().replace("[store]\n", f'[store]\nreader = "reader_{tag}"\n')
    settings_file.write_text(text)
    told = CliRunner().invoke(app, ["store", "migrate", "--config", str(settings_file)])
    assert told.output.endswith(f"rights given: reader_{tag} (made)\n")
    with psycopg.connect(load_settings(settings_file).store.dsn.get_secret_value(), autocommit=True) as admin:
        admin.execute(f"DROP OWNED BY reader_{tag}; DROP ROLE reader_{tag}".encode())
