"""A Java from a wheel trusts what Python trusts on this machine."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from streaming.local import trust
from streaming.local.trust import trust_options, truststore


def authority(name: str) -> bytes:
    """A certificate authority of one's own, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def names(store: bytes) -> set[str]:
    found = pkcs12.load_pkcs12(store, b"changeit").additional_certs
    return {one.certificate.subject.rfc4514_string() for one in found}


def test_every_certificate_of_the_file_is_in_the_store_and_rubbish_is_passed_over() -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    pem = b"# of ours\n" + authority("one") + b"# text\n" + broken + authority("two") + b"the end"
    assert names(truststore(pem)) == {"CN=one", "CN=two"}


def test_a_java_from_a_wheel_gets_the_file_that_python_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "java"
    (tmp_path / "ours.pem").write_bytes(authority("ours"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
    monkeypatch.setattr(trust, "wheel_java", lambda: java)
    options = dict(option.split("=", 1) for option in trust_options(java, tmp_path))
    assert names(Path(options["-Djavax.net.ssl.trustStore"]).read_bytes()) == {"CN=ours"}
    assert trust_options(tmp_path / "another" / "java", tmp_path) == [], "a Java of the system has its own"
