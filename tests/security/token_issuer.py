"""An issuer of tokens (OpenID Connect's client-credentials flow) on loopback: its endpoint, over TLS, and its keys as a file."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from security.certificates import Authority

ISSUER = "https://issuer.test"


@dataclass(frozen=True)
class TokenIssuer:
    """Where clients ask for tokens; and a URL of the keys that the broker checks them against."""

    endpoint: str
    keys: str


@contextmanager
def running_issuer(folder: Path, authority: Authority, clients: dict[str, str]) -> Iterator[TokenIssuer]:
    """An issuer that gives tokens to these clients (id → secret), the token's subject being the id; ended with the block."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keys.json").write_text(json.dumps({"keys": [_public(key)]}))

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            told = base64.b64decode(self.headers.get("Authorization", "Basic ").removeprefix("Basic ")).decode()
            client, _, secret = (urllib.parse.unquote(part) for part in told.partition(":"))
            if not secret or clients.get(client) != secret:
                self._answer(401, {"error": "invalid_client"})
            else:
                self._answer(200, {"access_token": _token(key, client), "token_type": "Bearer", "expires_in": 3600})

        def _answer(self, status: int, body: dict[str, object]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    issued = authority.issue("issuer")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield TokenIssuer(f"https://127.0.0.1:{server.server_port}/token", (folder / "keys.json").as_uri())
    finally:
        server.shutdown()
        server.server_close()


def _token(key: rsa.RSAPrivateKey, subject: str) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "kafka", "sub": subject, "iat": now, "exp": now + 3600}
    head = _base64(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "k1"}).encode())
    signed = f"{head}.{_base64(json.dumps(claims).encode())}"
    return f"{signed}.{_base64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _public(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    modulus, exponent = (_base64(n.to_bytes((n.bit_length() + 7) // 8, "big")) for n in (numbers.n, numbers.e))
    return {"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256", "n": modulus, "e": exponent}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
