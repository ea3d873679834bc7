"""Certificates for a Java that came as a wheel: it brings its own, and knows none that an operator added to this machine."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

from streaming.local.java import wheel_java

_PASSWORD = "changeit"  # noqa: S105  # Java's own default: the file holds public certificates, and a store must have one


def trust_options(java: Path, folder: Path) -> list[str]:
    """Java's properties for a store, written into `folder`, of the certificates that Python trusts (SSL_CERT_FILE, or the system's).

    java: the binary that is started; a Java of the system has a store that its operator keeps, and needs no options. None either
    where Python names no file of certificates.
    """
    file = ssl.get_default_verify_paths().cafile
    if java != wheel_java() or file is None:
        return []
    store = folder / "trusted.p12"
    store.write_bytes(truststore(Path(file).read_bytes()))
    properties = {"trustStore": str(store), "trustStoreType": "PKCS12", "trustStorePassword": _PASSWORD}
    return [f"-Djavax.net.ssl.{name}={value}" for name, value in properties.items()]


def truststore(pem: bytes) -> bytes:
    """The certificates of a PEM file as a PKCS#12 store for Java; text between them, and one that cannot be read, are passed over."""
    from cryptography import x509  # only where a wheel's Java downloads
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    certificates = []
    end = b"-----END CERTIFICATE-----"
    for part in pem.split(end)[:-1]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of authorities older than today's rules
                certificates.append(x509.load_pem_x509_certificate(part[part.index(b"-----BEGIN CERTIFICATE-----") :] + end + b"\n"))
        except ValueError:
            continue
    named = [pkcs12.PKCS12Certificate(certificate, f"{number}".encode()) for number, certificate in enumerate(certificates)]
    return pkcs12.serialize_java_truststore(named, BestAvailableEncryption(_PASSWORD.encode()))
