"""What is said of a wrong configuration repeats no secret of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from streaming.config import load_settings
from streaming.delivery import Destination
from streaming.errors import ConfigError, RegistryError, Unavailable
from streaming.local.processes import free_port
from streaming.models import registry
from streaming.models.registry import Registry as Models
from streaming.settings import Registry, Store

CANARY = "hunter2canary"
GOOD = {
    "": 'schemas = "s"\ndeployment = "d.toml"\n',
    "kafka": 'bootstrap_servers = "b:1"\n',
    "store": 'dsn = "host=db"\n',
    "registry": 'tracking_uri = "sqlite:///m.db"\n',
    "stream": 'checkpoint = "c"\n',
    "drift": 'checkpoint = "c"\n',
}


def written(folder: Path, **tables: str) -> Path:
    path = folder / "conf.toml"
    path.write_text("".join(f"[{name}]\n{keys}" if name else keys for name, keys in (GOOD | tables).items()))
    return path


@pytest.mark.parametrize(
    ("table", "keys", "named"),
    [
        ("kafka", 'bootstrap_servers = "b:1"\nclient = {{ "sasl.password" = ["{0}"] }}\n', "kafka.client.sasl.password"),
        ("kafka", 'bootstrap_servers = "b:1"\nclient = "sasl.password={0}"\n', "kafka.client"),
        ("store", 'dsn = ["{0}"]\n', "store.dsn"),
        ("registry", 'tracking_uri = ["https://me:{0}@mlflow"]\n', "registry.tracking_uri"),
        ("schema_registry", 'token = ["{0}"]\n', "schema_registry.token"),
        ("spark", 'conf = {{ "spark.hadoop.fs.s3a.secret.key" = ["{0}"] }}\n', "spark.conf.spark.hadoop.fs.s3a.secret.key"),
    ],
)
def test_a_setting_of_the_wrong_type(tmp_path: Path, table: str, keys: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as told:
        load_settings(written(tmp_path, **{table: keys.format(CANARY)}))
    assert CANARY not in str(told.value)


def test_a_secret_where_a_table_is_expected(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(
        path.read_text().replace('[store]\ndsn = "host=db"\n', "").replace('schemas = "s"', f'schemas = "s"\nstore = "{CANARY}"')
    )
    with pytest.raises(ConfigError, match="store: ") as told:
        load_settings(path)
    assert CANARY not in str(told.value)


def test_settings_as_text_hold_none(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        kafka=f'bootstrap_servers = "b:1"\nclient = {{ "sasl.password" = "{CANARY}" }}\nspark_client = {{ "x" = "{CANARY}" }}\n',
        store=f'dsn = "host=db password={CANARY}"\n',
        registry=f'tracking_uri = "https://me:{CANARY}@mlflow"\n',
        schema_registry=f'token = "{CANARY}"\npassword = "{CANARY}"\n',
        spark=f'conf = {{ "spark.hadoop.key" = "{CANARY}" }}\n',
    )
    settings = load_settings(path)
    assert CANARY not in repr(settings) + str(settings)


def test_what_a_task_is_made_of_holds_none() -> None:
    client = (("sasl.password", CANARY),)
    to = Destination("score_events", Store(dsn=SecretStr(CANARY)), "b:1", client, "rejected", 1, "log", "calls", ())
    assert repr(to) == "Destination(job='score_events', event='calls')"


def test_the_address_of_a_model_registry() -> None:
    where = f"127.0.0.1:{free_port()}"
    models = Models(Registry(tracking_uri=f"http://me:{CANARY}@{where}"))
    with pytest.raises((Unavailable, RegistryError), match=f"registry http://{where}") as told:
        models.resolve("churn", "champion")
    assert CANARY not in str(told.value)


def test_addresses_within_a_message_lose_name_and_password() -> None:
    assert registry._shown(f"connect to postgresql://me:{CANARY}@db:5432/m failed") == "connect to postgresql://db:5432/m failed"
