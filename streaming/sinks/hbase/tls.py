"""TLS to HBase: a connection to its Thrift server through a proxy that ends TLS.

HBase's Thrift server speaks TLS only over HTTP, which happybase does not; so stunnel, Envoy or HAProxy stands before it, on the
same machine, and takes connections from elsewhere.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from happybase import Connection
from happybase.connection import Hbase
from thriftpy2.thrift import TClient
from thriftpy2.transport import TTransportException
from thriftpy2.transport.sslsocket import TSSLSocket

from streaming.errors import ConfigError, StoreError, Unavailable
from streaming.settings import HBaseSettings


def connection(settings: HBaseSettings, **options: Any) -> Connection:
    """A connection of happybase's, not opened yet: over TLS where `ca_file` is named, plain where it is not.

    options: happybase's own, such as protocol and transport. Raises ConfigError for files that cannot be used.
    """
    host, _, port = settings.address.rpartition(":")
    options = {"timeout": int(settings.timeout_s * 1000), "autoconnect": False} | options
    if settings.ca_file is None:
        return Connection(host, int(port), **options)
    context = tls_context(settings.ca_file, settings.certificate_file, settings.key_file)
    return TlsConnection(host, int(port), context, **options)


def tls_context(ca_file: Path, certificate_file: Path | None = None, key_file: Path | None = None) -> ssl.SSLContext:
    """What a connection needs: the authorities (PEM) that the proxy's certificate is checked against, with its host name.

    certificate_file, key_file: what this client shows, where the proxy asks for it; the key has no password, its file's mode
    keeps it. Raises ConfigError naming the file that cannot be used.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise ConfigError(f"store.hbase: {ca_file}: {error.strerror or error.args[0]}; name a file of certificates (PEM)") from None
    if certificate_file is None:
        return context
    try:
        context.load_cert_chain(certificate_file, key_file, password="")
    except OSError as error:
        why = error.strerror or error.args[0]
        raise ConfigError(
            f"store.hbase: {certificate_file} with {key_file or 'itself'}: {why}; name a certificate and its key without a password (PEM)"
        ) from None
    return context


class TlsConnection(Connection):  # type: ignore[misc]  # happybase has no types
    """happybase's Connection over TLS; everything else is as there."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, **options: Any) -> None:
        """options: happybase's own, such as timeout (ms), protocol, transport. Raises as `open`, unless autoconnect=False."""
        self._context = context
        super().__init__(host, port, **options)

    def _refresh_thrift_client(self) -> None:
        options = {"socket_timeout": self.timeout, "ssl_context": self._context}
        socket = TSSLSocket(self.host, self.port, **options)  # type: ignore[no-untyped-call]
        self.transport = self._transport_class(socket)
        self.client = TClient(Hbase, self._protocol_class(self.transport, decode_response=False))

    def open(self) -> None:
        """Open the connection. Raises StoreError for a certificate that is not right, either's; Unavailable if nobody answers."""
        try:
            super().open()
        except TTransportException as error:
            raise _told(f"{self.host}:{self.port}", error.__context__ or error) from None


def _told(where: str, cause: BaseException) -> StoreError | Unavailable:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return StoreError(
            f"HBase at {where}: the certificate is refused ({cause.verify_message}); it must bear that host, be valid, and be signed by "
            "an authority of store.hbase.ca_file"
        )
    if isinstance(cause, ssl.SSLError):
        return StoreError(f"HBase at {where}: no TLS connection ({cause.reason}); see that the proxy's port, not HBase's own, is named")
    return Unavailable(f"HBase at {where} cannot be reached: {cause}; see that the proxy and the Thrift server run")
