"""Why a broker does not let a client in, in words that say what to do: librdkafka says it to a callback, OpenSSL not at all."""

from __future__ import annotations

import re
import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streaming.errors import ConfigError, ScoringError, TopicError, Unavailable
from streaming.settings import Kafka
from streaming.tls_probe import certificate_fault

# What waiting does not mend: librdkafka's own codes for a handshake that failed and for a login that was refused.
_REFUSED = (KafkaError._SSL, KafkaError._AUTHENTICATION)
_ALERT = "SSL alert"  # the broker's word on this client's certificate comes after the handshake, as a mere failure to receive
_AT_ONCE_S = 1.0
_ASKED_AGAIN_S = 2.0
_DENIED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
_NO_CONNECTION = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, *_REFUSED)
_STATE = re.compile(r" \(after \d+ms in state [A-Z_]+(, \d+ identical error\(s\) suppressed)?\)")
_NAME = "is not made for the name under which kafka.bootstrap_servers knows it; use a name that the certificate bears"
# What OpenSSL finds wrong with a broker's certificate, and what that asks of the user.
_CERTIFICATE = (
    ("has expired", "has expired; let the broker's operator renew it"),
    ("not yet valid", "is not valid yet; compare the clocks of this machine and of the certificate's authority"),
    ("mismatch", _NAME),
    ("", "is not signed by an authority of kafka.client.ssl.ca.location; name the file of the one that signed it"),
)


class Admin:
    """An AdminClient that keeps what it is told of refused connections, and says nothing on standard error.

    Raises ConfigError if kafka.client holds what the client does not know.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._said: list[KafkaError] = []
        # The client's own lines about each refused connection would hide the one line that we raise.
        silent: dict[str, Any] = {"log_level": 0, "error_cb": self._said.append}
        try:
            self.client = AdminClient({**kafka.client, "bootstrap.servers": kafka.bootstrap_servers, **silent})
        except KafkaException as error:
            raise ConfigError(f"kafka.client: {error.args[0].str()}; mend it, see librdkafka's list of settings") from None

    def topics(self) -> set[str]:
        """Names of the topics that this client may see.

        Raises ConfigError, with what to mend, as soon as the brokers refuse certificate or login, for waiting would not help;
        Unavailable if none answers within kafka.wait_s.
        """
        until = time.monotonic() + self._kafka.wait_s
        while True:
            try:
                return set(self.client.list_topics(timeout=max(0.1, min(_AT_ONCE_S, until - time.monotonic()))).topics)
            except KafkaException as error:
                self.client.poll(0)  # hands over what the connections' threads have said
                refused = [said for said in [*self._said, error.args[0]] if said.code() in _REFUSED or _ALERT in said.str()]
                if refused:
                    raise ConfigError(f"{self._kafka.bootstrap_servers}: {reason(self._kafka, refused[-1])}") from None
                if time.monotonic() > until:
                    raise self._nobody() from None

    def _nobody(self) -> Unavailable:
        where, waited = self._kafka.bootstrap_servers, self._kafka.wait_s
        told = [_STATE.sub("", said.str()) for said in self._said if said.code() != KafkaError._ALL_BROKERS_DOWN]
        heard = f" ({told[-1]})" if told else ""
        return Unavailable(
            f"no broker answered at {where} within {waited:g} s; see that it runs (`scoring up` starts the embedded one) "
            f"and that kafka.bootstrap_servers and kafka.client are right{heard}"
        )


def told(kafka: Kafka, what: str, error: KafkaError) -> ScoringError:
    """The error of ours for one of a client's: TopicError for what is not allowed, ConfigError for a client that is not let in.

    what: names what was asked for. Anything else is Unavailable.
    """
    if error.code() in _DENIED:
        return TopicError(f"{what}: {error.str()}; `scoring topics acls` prints what each client needs")
    if error.code() in _NO_CONNECTION:
        try:
            Admin(kafka.model_copy(update={"wait_s": _ASKED_AGAIN_S})).topics()
        except ConfigError as refused:
            return refused
        except Unavailable:
            pass  # nobody there: said below
    return Unavailable(f"{kafka.bootstrap_servers}: {what}: {error.str()}; see that the brokers are up")


def reason(kafka: Kafka, error: KafkaError) -> str:
    """One line, without a secret, for a refusal: what was refused, and which setting to mend.

    error: an alert of TLS, or one of code _SSL or _AUTHENTICATION.
    """
    said = _STATE.sub("", error.str()).rpartition("bootstrap: ")[2]
    if error.code() == KafkaError._AUTHENTICATION:
        return f"the broker refuses the login of kafka.client ({said}); mend its sasl.* settings"
    if "certificate verify failed" in said:
        found = _fault(kafka)
        advice = next(words for mark, words in _CERTIFICATE if mark in found)
        return f"the broker's certificate {advice} ({found or said})"
    if _ALERT in said:
        return (
            f"the broker refuses the certificate of kafka.client, or misses one ({said}); "
            "mend ssl.certificate.location, ssl.key.location and ssl.key.password"
        )
    return f"no TLS connection ({said}); see that security.protocol and ssl.* of kafka.client fit the broker's listener"


def _fault(kafka: Kafka) -> str:
    """What is wrong with the certificate of the first broker that the user names."""
    host, _, port = kafka.bootstrap_servers.split(",")[0].strip().rpartition(":")
    client = kafka.client
    check_host = client.get("ssl.endpoint.identification.algorithm", "https") != "none"
    ca_file, ca_text = client.get("ssl.ca.location"), client.get("ssl.ca.pem")
    return certificate_fault(host.strip("[]"), int(port), ca_file=ca_file, ca_text=ca_text, check_host=check_host)
