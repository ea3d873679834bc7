from __future__ import annotations

import json
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from wire_events import IDS, SCHEMAS

from streaming.contracts.published import PublishedSchemas
from streaming.contracts.registry_client import RegistryResolver, registry_client, registry_name
from streaming.contracts.wire import DecidedResolver, WriterSchema
from streaming.errors import ConfigError, Unavailable
from streaming.schema_server.api import SchemaApi
from streaming.schema_server.server import SchemaServer
from streaming.settings import SchemaRegistry

API = SchemaApi(PublishedSchemas(SCHEMAS, topics={}))


class _Scripted(BaseHTTPRequestHandler):
    """Answers each path with what the test wrote for it, and keeps the paths."""

    answers: dict[str, tuple[int, str]]
    asked: list[str]
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, text = self.answers.get(self.path.partition("?")[0], (404, '{"error_code": 40403, "message": "Schema not found"}'))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: Any) -> None:
        pass


class Scripted:
    def __init__(self, **kinds: Any) -> None:
        self.answers: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []
        handler = type("Handler", (_Scripted,), {"answers": self.answers, "asked": self.asked})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A registry that says what it is told to say."""
    server = Scripted()
    yield server
    server.server.shutdown()
    server.server.server_close()


def test_a_schema_is_asked_for_once_and_an_unknown_id_again_after_a_while(scripted: Scripted) -> None:
    scripted.answers["/schemas/ids/7"] = (200, json.dumps({"schema": "{}", "schemaType": "JSON"}))
    resolver = RegistryResolver(SchemaRegistry(url=scripted.url))
    assert [resolver.schema(7) for _ in range(3)] == [WriterSchema("JSON", "{}")] * 3
    assert [resolver.schema(8) for _ in range(3)] == [None] * 3
    assert len(scripted.asked) == 2
    impatient = RegistryResolver(SchemaRegistry(url=scripted.url, unknown_s=0))
    assert impatient.schema(8) is None
    scripted.answers["/schemas/ids/8"] = (200, json.dumps({"schema": "[]"}))
    assert impatient.schema(8) == WriterSchema("AVRO", "[]")


def test_a_flood_of_unknown_ids_does_not_fill_the_memory(scripted: Scripted) -> None:
    resolver = RegistryResolver(SchemaRegistry(url=scripted.url, unknown_s=3600), most_unknown=50)
    assert all(resolver.schema(number) is None for number in range(1, 52))
    before = len(scripted.asked)
    assert resolver.schema(51) is None
    assert len(scripted.asked) == before
    assert resolver.schema(1) is None  # forgotten, for others came after it
    assert len(scripted.asked) == before + 1


def test_the_unknown_ids_of_a_whole_batch_are_remembered(scripted: Scripted) -> None:
    resolver = RegistryResolver(SchemaRegistry(url=scripted.url, unknown_s=3600))
    assert [resolver.schema(number) for _ in range(2) for number in range(1, 1102)] == [None] * 2202
    assert len(scripted.asked) == 1101


def test_a_batch_comes_further_with_every_attempt_though_the_registry_answers_three_requests_at_a_time(scripted: Scripted) -> None:
    resolver = RegistryResolver(SchemaRegistry(url=scripted.url, unknown_s=0))  # which forgets at once
    batch, ids = DecidedResolver(resolver, ()), [*range(1, 13), *range(1, 13)]

    def passed() -> bool:
        allowed = len(scripted.asked) + 3
        try:
            for number in ids:
                if len(scripted.asked) == allowed:
                    scripted.answers[f"/schemas/ids/{number}"] = (429, "{}")
                assert batch.schema(number) is None
        except Unavailable:
            scripted.answers.clear()
            return False
        return True

    assert [passed() for _ in range(5)] == [False, False, False, True, True]
    assert batch.undecided == {str(number) for number in ids}
    scripted.answers["/schemas/ids/1"] = (200, json.dumps({"schema": "{}", "schemaType": "JSON"}))
    assert DecidedResolver(resolver, ()).schema(1) == WriterSchema("JSON", "{}")  # the next batch asks again


@pytest.mark.parametrize(
    "answer",
    [
        (500, "{}"), (503, ""), (404, "<html>"), (404, '{"error_code": 404, "message": "HTTP 404 Not Found"}'),
        (401, '{"error_code": 40101}'),
        (403, '{"error_code": 40301, "message": "no"}'), (200, "<html>hello</html>"), (200, "[]"), (429, "{}"), (302, "{}"),
        (200, "{}"), (200, "5"),
        (200, '{"schema": 5}'), (200, '{"schema": "{}", "schemaType": 5}'), (200, '{"schema": "{}", "references": [{}]}'),
        (200, '{"schema": "{}", "references": [{"name": "a", "subject": "a", "version": "latest"}]}'),
    ],
)  # fmt: skip
def test_every_other_answer_is_no_answer_so_that_events_wait(scripted: Scripted, answer: tuple[int, str]) -> None:
    scripted.answers["/schemas/ids/7"] = answer
    with pytest.raises(Unavailable, match="schema registry http://127.0.0.1:.*no answer.*see .schema_registry. and wait") as told:
        RegistryResolver(SchemaRegistry(url=scripted.url)).schema(7)
    assert "\n" not in str(told.value)


def test_nobody_there_is_no_answer() -> None:
    with pytest.raises(Unavailable, match="ConnectError"):
        RegistryResolver(SchemaRegistry(url="http://127.0.0.1:1")).schema(7)


def test_a_registry_that_comes_back_is_asked_again() -> None:
    with SchemaServer(API) as server:
        port = int(server.url.rpartition(":")[2])
        resolver = RegistryResolver(SchemaRegistry(url=server.url))
        first = resolver.schema(IDS["JSON"])
    assert first is not None and first.kind == "JSON"
    assert resolver.schema(IDS["JSON"]) == first  # known
    with pytest.raises(Unavailable):
        resolver.schema(IDS["AVRO"])
    with SchemaServer(API, port=port):
        found = resolver.schema(IDS["AVRO"])
    assert found is not None and found.kind == "AVRO"


def test_references_come_with_the_schema_each_after_what_it_needs(scripted: Scripted) -> None:
    def refers(*names: str) -> list[dict[str, Any]]:
        return [{"name": name, "subject": name, "version": 1} for name in names]

    for name, references in {"a": refers("b", "c"), "b": refers("c"), "c": []}.items():
        body = {"subject": name, "version": 1, "id": 1, "schema": f'"{name}"', "references": references}
        scripted.answers[f"/subjects/{name}/versions/1"] = (200, json.dumps(body))
    scripted.answers["/schemas/ids/7"] = (200, json.dumps({"schema": '"main"', "references": refers("a", "c")}))
    resolver = RegistryResolver(SchemaRegistry(url=scripted.url))
    assert resolver.schema(7) == WriterSchema("AVRO", '"main"', ('"c"', '"b"', '"a"'))
    del scripted.answers["/subjects/c/versions/1"]
    with pytest.raises(Unavailable, match="refers to c version 1, which is not there"):
        RegistryResolver(SchemaRegistry(url=scripted.url)).schema(7)


def test_schemas_that_refer_to_each_other_come_to_an_end(scripted: Scripted) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        body = {"subject": name, "version": 1, "id": 1, "schema": f'"{name}"'}
        body["references"] = [{"name": other, "subject": other, "version": 1}]  # type: ignore[assignment]
        scripted.answers[f"/subjects/{name}/versions/1"] = (200, json.dumps(body))
    references = [{"name": "a", "subject": "a", "version": 1}]
    scripted.answers["/schemas/ids/7"] = (200, json.dumps({"schema": '"main"', "references": references}))
    assert RegistryResolver(SchemaRegistry(url=scripted.url)).schema(7) == WriterSchema("AVRO", '"main"', ('"b"', '"a"'))


@pytest.mark.parametrize("kind", ["JSON", "PROTOBUF"])
def test_what_nobody_reads_is_not_asked_for(scripted: Scripted, kind: str) -> None:
    references = [{"name": "gone", "subject": "gone", "version": 1}]
    scripted.answers["/schemas/ids/7"] = (200, json.dumps({"schema": "{}", "schemaType": kind, "references": references}))
    assert RegistryResolver(SchemaRegistry(url=scripted.url)).schema(7) == WriterSchema(kind, "{}")
    assert [path.partition("?")[0] for path in scripted.asked] == ["/schemas/ids/7"]


def test_what_an_avro_schema_refers_to_is_found_though_its_subject_was_deleted(scripted: Scripted) -> None:
    references = [{"name": "a", "subject": "a", "version": 1}]
    scripted.answers["/schemas/ids/7"] = (200, json.dumps({"schema": '"main"', "references": references}))
    scripted.answers["/subjects/a/versions/1"] = (200, json.dumps({"subject": "a", "version": 1, "id": 1, "schema": '"a"'}))
    assert RegistryResolver(SchemaRegistry(url=scripted.url)).schema(7) == WriterSchema("AVRO", '"main"', ('"a"',))
    assert scripted.asked[-1] == "/subjects/a/versions/1?deleted=true"


def test_guids_are_found_too() -> None:
    schema = API.schemas.by_id[IDS["AVRO"]]
    with SchemaServer(API) as server:
        assert RegistryResolver(SchemaRegistry(url=server.url)).schema(UUID(schema.guid)) == WriterSchema("AVRO", schema.text)
        assert RegistryResolver(SchemaRegistry(url=server.url)).schema(UUID(int=5)) is None


def test_credentials_are_sent_and_wrong_ones_reject_no_event() -> None:
    basic = {"user": "me", "password": SecretStr("geheim:1")}
    with SchemaServer(API, authorization="Basic " + b64encode(b"me:geheim:1").decode()) as server:
        assert RegistryResolver(SchemaRegistry(url=server.url, **basic)).schema(IDS["JSON"]) is not None
        for wrong in ({}, {**basic, "password": SecretStr("x")}, {"token": SecretStr("geheim:1")}):
            with pytest.raises(Unavailable, match="401, Unauthorized") as told:
                RegistryResolver(SchemaRegistry(url=server.url, **wrong)).schema(IDS["JSON"])
            assert "geheim" not in str(told.value)
        with_password = server.url.replace("//", "//me:geheim%3A1@")
        assert RegistryResolver(SchemaRegistry(url=with_password)).schema(IDS["JSON"]) is not None
        assert registry_name(SchemaRegistry(url=with_password)) == server.url
    with SchemaServer(API, authorization="Bearer abc.def") as server:
        assert RegistryResolver(SchemaRegistry(url=server.url, token=SecretStr("abc.def"))).schema(IDS["JSON"]) is not None


def test_tls_is_checked_against_the_certificates_of_the_settings(tmp_path: Path, scripted: Scripted) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", str(key)]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    scripted.server.socket = context.wrap_socket(scripted.server.socket, server_side=True)
    scripted.answers["/schemas/ids/7"] = (200, json.dumps({"schema": "{}", "schemaType": "JSON"}))
    url = scripted.url.replace("http://", "https://")
    assert RegistryResolver(SchemaRegistry(url=url, ca_file=certificate)).schema(7) is not None
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        RegistryResolver(SchemaRegistry(url=url)).schema(7)


def test_settings_that_cannot_work_are_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="user and token"):
        registry_client(SchemaRegistry(url="http://x", user="a", token=SecretStr("b")))
    with pytest.raises(ConfigError, match="mend its settings"):
        registry_client(SchemaRegistry(url="https://x", ca_file=tmp_path / "none.pem"))
