# SPDX-License-Identifier: Apache-2.0
"""Where does a Falcosidekick send alerts, as its configuration says?

Authority: falcosecurity/falcosidekick main.go (which settings switch an output on), config.go
(environment variables have the name of the setting in capitals with `_` for `.` and win over the
file; an unknown minimum priority counts as none) and handlers.go (an alert goes to an output
unless its priority lies below the minimum).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.reader import priority_number
from kguard.model.manifests import mapping

PORT = 2801

OUTPUTS: dict[str, tuple[str, ...]] = {
    **{
        name: (f"{name}.webhookurl",)
        for name in ("slack", "cliq", "rocketchat", "mattermost", "teams", "discord", "googlechat")
    },
    **{
        name: (f"{name}.hostport",)
        for name in (
            *("alertmanager", "elasticsearch", "quickwit", "loki", "nats", "influxdb"),
            *("zincsearch", "gotify", "openobserve"),
        )
    },
    **{
        name: (f"{name}.address",)
        for name in ("webhook", "nodered", "cloudevents", "kafkarest", "redis", "n8n")
    },
    "grafanaoncall": ("grafanaoncall.webhookurl",),
    "datadog": ("datadog.apikey",),
    "datadoglogs": ("datadoglogs.apikey",),
    "sumologic": ("sumologic.receiverurl",),
    "stan": ("stan.hostport", "stan.clusterid", "stan.clientid"),
    "aws.lambda": ("aws.lambda.functionname",),
    "aws.sqs": ("aws.sqs.url",),
    "aws.sns": ("aws.sns.topicarn",),
    "aws.cloudwatchlogs": ("aws.cloudwatchlogs.loggroup",),
    "aws.s3": ("aws.s3.bucket",),
    "aws.kinesis": ("aws.kinesis.streamname",),
    "aws.securitylake": (
        *("aws.securitylake.bucket", "aws.securitylake.region"),
        *("aws.securitylake.accountid", "aws.securitylake.prefix"),
    ),
    "smtp": ("smtp.hostport", "smtp.from", "smtp.to"),
    "opsgenie": ("opsgenie.apikey",),
    "azure.eventhub": ("azure.eventhub.name",),
    "gcp.pubsub": ("gcp.pubsub.projectid", "gcp.pubsub.topic"),
    "gcp.storage": ("gcp.storage.bucket",),
    "gcp.cloudfunctions": ("gcp.cloudfunctions.name",),
    "gcp.cloudrun": ("gcp.cloudrun.endpoint", "gcp.cloudrun.jwt"),
    "kafka": ("kafka.hostport", "kafka.topic"),
    "pagerduty": ("pagerduty.routingkey",),
    "kubeless": ("kubeless.namespace", "kubeless.function"),
    "webui": ("webui.url",),
    "policyreport": ("policyreport.enabled",),
    "openreport": ("openreport.enabled",),
    "openfaas": ("openfaas.functionname",),
    "tekton": ("tekton.eventlistener",),
    "rabbitmq": ("rabbitmq.url", "rabbitmq.queue"),
    "wavefront": ("wavefront.endpointtype", "wavefront.endpointhost"),
    "fission": ("fission.function",),
    "grafana": ("grafana.hostport", "grafana.apikey"),
    "yandex.s3": ("yandex.s3.bucket",),
    "yandex.datastreams": ("yandex.datastreams.streamname",),
    "syslog": ("syslog.host",),
    "mqtt": ("mqtt.broker",),
    "spyderbat": ("spyderbat.orguid",),
    "timescaledb": ("timescaledb.host",),
    "telegram": ("telegram.token", "telegram.chatid"),
    "dynatrace": ("dynatrace.apitoken", "dynatrace.apiurl"),
    "otlp.traces": ("otlp.traces.endpoint",),
    "splunk": ("splunk.host",),
    "logstash": ("logstash.address",),
    "webex": ("webex.webhookurl",),
}
"""The settings that switch each output on, all of them together, in small letters."""

LEAST = len(PRIORITIES) - 1
_OFF = ("", "false", "0")
_SWITCHES = frozenset(name for names in OUTPUTS.values() for name in names)


class Forward(msgspec.Struct, frozen=True, order=True):
    """An output of a Falcosidekick that is on."""

    name: str
    least: int = LEAST
    """The least urgent priority that it takes, as a place in `PRIORITIES`."""
    setting: str = ""
    """The first of the settings that switch it on."""


def flattened(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The settings of a configuration file, with dots between the names."""
    for key, inner in mapping(value).items():
        name = f"{prefix}{str(key).lower()}"
        if isinstance(inner, dict):
            yield from flattened(inner, f"{name}.")
        elif not isinstance(inner, list):
            yield name, "" if inner is None else str(inner)


def variable(name: str) -> str:
    """The setting that an environment variable stands for; empty where it stands for none."""
    return _BY_VARIABLE.get(name.lower(), "")


_BY_VARIABLE = {name.replace(".", "_"): name for name in _SWITCHES} | {
    f"{name.replace('.', '_')}_minimumpriority": f"{name}.minimumpriority" for name in OUTPUTS
}


def forwards(settings: Mapping[str, str]) -> list[Forward]:
    """The outputs that are on."""
    return sorted(
        Forward(name, _least(settings.get(f"{name}.minimumpriority", "")), wanted[0])
        for name, wanted in OUTPUTS.items()
        if all(settings.get(key, "").strip().lower() not in _OFF for key in wanted)
    )


def _least(text: str) -> int:
    found = priority_number(text)
    return LEAST if found is None else found
