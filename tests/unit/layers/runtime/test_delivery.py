# SPDX-License-Identifier: Apache-2.0
"""Do alerts reach anyone, which of them, and would drops be noticed?"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kguard.layers.runtime import LAYER
from kguard.layers.runtime.facts.receivers import parsed
from kguard.layers.runtime.semantics.sidekick import LEAST, OUTPUTS, Forward, forwards, variable
from kguard.model.facts.runtime import Facts
from kguard.model.manifests import Unreadable
from tests.unit.layers.runtime.test_facts import (
    CONFIG,
    REQUEST,
    RULE,
    config_map,
    daemonset,
    inventory,
    whole,
)

CLUSTER = msgspec.structs.replace(REQUEST, scope="cluster")


def service(port: int = 2801, **spec: Any) -> dict[str, Any]:
    whole_spec = {"selector": {"app": "taker"}, "ports": [{"port": port}], **spec}
    metadata = {"name": "taker", "namespace": "falco"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": whole_spec}


def taker(image: str = "registry.example.com/taker:1", **container: Any) -> dict[str, Any]:
    replicas = container.pop("replicas", 1)
    volumes = container.pop("volumes", [])
    pod = {"containers": [{"name": "c", "image": image, **container}], "volumes": volumes}
    template = {"metadata": {"labels": {"app": "taker"}}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "taker", "namespace": "falco"},
        "spec": {"replicas": replicas, "template": template},
    }


def slice_of(*ready: bool | None) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": "taker"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "taker-x", "namespace": "falco", "labels": labels},
        "endpoints": [{"conditions": {} if r is None else {"ready": r}} for r in ready],
    }


def sent(url: str, *objects: Any, config: str = "json_output: true\n", request=CLUSTER) -> Facts:
    text = f"{CONFIG}{config}http_output: {{enabled: true, url: '{url}'}}\n"
    maps = (config_map("falco", falco__yaml=text), config_map("rules", r__yaml=RULE))
    return LAYER.facts(inventory(daemonset(), *maps, *objects), request)


def state(*arguments: Any, **options: Any) -> str:
    return sent(*arguments, **options).installations[0].delivered


@pytest.mark.parametrize(
    ("url", "state_in_app", "state_in_cluster"),
    [
        ("https://siem.example.com", "true", "true"),
        ("https://example.com", "true", "true"),
        ("https://10.0.0.7:9000", "true", "true"),
        ("http://localhost:9000", "true", "true"),
        ("http://taker:2801", "unknown", "false"),
        ("http://taker.falco:2801", "unknown", "false"),
        ("http://taker.falco.svc:2801", "unknown", "false"),
        ("http://taker.falco.svc.cluster.local", "unknown", "false"),
        ("http://taker.elsewhere", "true", "true"),
        ("ftp://x", "false", "false"),
        ("http://[", "false", "false"),
        ("http://taker:99999", "false", "false"),
    ],
)
def test_names_without_a_service(url, state_in_app, state_in_cluster):
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "falco"}}
    assert state(url, namespace, request=REQUEST) == state_in_app
    assert state(url, namespace) == state_in_cluster


@pytest.mark.parametrize(
    ("objects", "delivered"),
    [
        ([service(), taker()], "true"),
        ([service(8080), taker()], "false"),
        ([service()], "false"),
        ([service(selector={}), taker()], "unknown"),
        ([service(type="ExternalName", externalName="siem.example.com")], "true"),
        ([service(), taker(replicas=0)], "false"),
        ([service(), taker(), slice_of(False, True)], "true"),
        ([service(), taker(), slice_of(None)], "true"),
        ([service(), taker(), slice_of(False)], "false"),
        ([service(), taker(), slice_of()], "false"),
    ],
)
def test_who_is_behind_a_service(objects, delivered):
    assert state("http://taker:2801", *objects) == delivered


def test_what_may_not_be_listed_is_no_absence():
    text = f"{CONFIG}http_output: {{enabled: true, url: 'http://taker:2801'}}\n"
    found = inventory(daemonset(), config_map("falco", falco__yaml=text))
    found.collected.unreadable.append(Unreadable("c", reason="403", feeds=("Service",)))
    assert LAYER.facts(found, CLUSTER).installations[0].delivered == "unknown"


SIDEKICK = "docker.io/falcosecurity/falcosidekick:2.31.1"


def env(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def secret(**data: str) -> dict[str, Any]:
    metadata = {"name": "kept", "namespace": "falco"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


FROM_SECRET = [{"secretRef": {"name": "kept"}}]
KEY = {"name": "SLACK_WEBHOOKURL", "valueFrom": {"secretKeyRef": {"name": "kept", "key": "s"}}}


@pytest.mark.parametrize(
    ("container", "objects", "delivered"),
    [
        ({}, [], "false"),
        ({"env": env(DEBUG="true", TZ="UTC")}, [], "false"),
        ({"env": env(SLACK_WEBHOOKURL="https://x.example")}, [], "true"),
        ({"env": env(SLACK_WEBHOOKURL="")}, [], "false"),
        ({"env": env(SMTP_HOSTPORT="a:25", SMTP_FROM="a")}, [], "false"),
        ({"env": env(SMTP_HOSTPORT="a:25", SMTP_FROM="a", SMTP_TO="b")}, [], "true"),
        ({"env": env(POLICYREPORT_ENABLED="false")}, [], "false"),
        ({"env": env(AWS_S3_BUCKET="b")}, [], "true"),
        ({"env": env(STATSD_FORWARDER="x:8125")}, [], "false"),
        ({"envFrom": FROM_SECRET}, [], "unknown"),
        ({"envFrom": FROM_SECRET}, [secret(SLACK_WEBHOOKURL="eA==")], "true"),
        ({"envFrom": FROM_SECRET}, [secret(SLACK_WEBHOOKURL="", DEBUG="eA==")], "false"),
        ({"envFrom": [{"secretRef": {"name": "kept", "optional": True}}]}, [], "false"),
        ({"envFrom": [{"configMapRef": {"name": "kept"}}]}, [], "unknown"),
        (
            {"envFrom": [{"prefix": "SLACK_", "configMapRef": {"name": "kept"}}]},
            [config_map("kept", WEBHOOKURL="https://x.example")],
            "true",
        ),
        ({"env": [KEY]}, [], "true"),
        ({"env": [KEY]}, [secret(other="eA==")], "false"),
        ({"args": ["-c", "/etc/c.yaml"]}, [], "unknown"),
        ({"args": 7, "env": "x", "envFrom": [1]}, [], "false"),
    ],
)
def test_what_falcosidekick_sends_on(container, objects, delivered):
    found = [service(), taker(SIDEKICK, **container), *objects]
    assert state("http://taker:2801", *found) == delivered


@pytest.mark.parametrize(
    ("text", "delivered"),
    [
        ("slack: {webhookurl: https://x.example}\n", "true"),
        ("debug: true\nslack: {minimumpriority: error}\n", "false"),
        ("- no mapping\n", "unknown"),
    ],
)
def test_the_file_of_falcosidekick(text, delivered):
    mounts = [{"name": "c", "mountPath": "/etc/sidekick"}]
    workload = taker(
        SIDEKICK,
        args=["--config-file=/etc/sidekick/config.yaml"],
        volumeMounts=mounts,
        volumes=[{"name": "c", "configMap": {"name": "side"}}],
    )
    objects = [service(), workload, config_map("side", config__yaml=text)]
    assert state("http://taker:2801", *objects) == delivered


def test_variables_win_over_the_file_and_names_are_those_of_the_settings():
    assert variable("AWS_CLOUDWATCHLOGS_LOGGROUP") == "aws.cloudwatchlogs.loggroup"
    assert variable("Slack_MinimumPriority") == "slack.minimumpriority"
    assert variable("HOME") == ""


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_every_output_needs_all_its_settings(name):
    wanted = dict.fromkeys(OUTPUTS[name], "true")
    assert name in [one.name for one in forwards(wanted)]
    for missing in wanted:
        assert name not in [one.name for one in forwards({**wanted, missing: ""})]


def test_an_unknown_minimum_counts_as_none():
    found = forwards({"slack.webhookurl": "x", "slack.minimumpriority": "loud"})
    assert found == [Forward("slack", LEAST, "slack.webhookurl")]


def test_falcosidekick_takes_json_only():
    objects = [service(), taker(SIDEKICK, env=env(SLACK_WEBHOOKURL="x"))]
    found = sent("http://taker:2801", *objects, config="")
    assert found.installations[0].delivered == "false"
    assert "json_output is off" in found.installations[0].delivery[-1].note


def test_no_credential_of_a_url_is_told():
    found = sent("https://user:secret@siem.example.com/hook/abc?key=1")
    (route,) = found.routes
    assert route.destination == "https://siem.example.com"
    assert "secret" not in str(msgspec.json.encode(found))
    assert "abc" not in str(msgspec.json.encode(found.routes))


@pytest.mark.parametrize(
    ("url", "options", "protection", "inside"),
    [
        ("https://x.example.com", "", "tls", False),
        ("https://x.example.com", ", insecure: true", "unverified", False),
        ("http://x.example.com", ", insecure: true", "plain", False),
        ("http://taker:2801", "", "plain", True),
        ("http://127.0.0.1:2801", "", "local", True),
    ],
)
def test_protection(url, options, protection, inside):
    text = f"{CONFIG}http_output: {{enabled: true, url: '{url}'{options}}}\n"
    (route,) = whole(text).routes
    assert (route.protection, route.inside) == (protection, inside)


LOW = "SLACK_MINIMUMPRIORITY"


@pytest.mark.parametrize(
    ("variables", "unheard", "drops"),
    [
        ({}, [], "heard"),
        ({LOW: "debug"}, [], "heard"),
        ({LOW: "notice"}, [], "hidden"),
        ({LOW: "warning"}, ["shell"], "hidden"),
        ({LOW: "warning", "WEBHOOK_ADDRESS": "https://x.example"}, [], "heard"),
    ],
)
def test_priorities_that_no_output_takes(variables, unheard, drops):
    objects = [service(), taker(SIDEKICK, env=env(SLACK_WEBHOOKURL="x", **variables))]
    config = "json_output: true\nsyscall_event_drops: {actions: [log, alert]}\n"
    (falco,) = sent("http://taker:2801", *objects, config=config).installations
    assert (falco.unheard, falco.drops) == (unheard, drops)


MEASURED = (
    "metrics: {enabled: true}\nwebserver: {enabled: true, prometheus_metrics_enabled: true}\n"
)


@pytest.mark.parametrize(
    ("config", "drops"),
    [
        ("", "ignored"),
        ("syscall_event_drops: {actions: [ignore]}\n", "ignored"),
        ("syscall_event_drops: {actions: [log]}\n", "logged"),
        ("syscall_event_drops: {actions: [log, alert]}\n", "heard"),
        ("syscall_event_drops: {actions: [exit]}\n", "exits"),
        (MEASURED, "measured"),
        (MEASURED.replace("prometheus_metrics_enabled: true", "listen_port: 8765"), "ignored"),
        ("engine: {kind: nodriver}\n", "none"),
        ("outputs_queue: {capacity: 12}\n", "ignored"),
        ("outputs_queue: {capacity: -1}\n", "ignored"),
    ],
)
def test_what_comes_of_drops(config, drops):
    (falco,) = whole(CONFIG + config).installations
    assert falco.drops == drops
    assert falco.queue == (12 if "12" in config else 0)


def test_a_url_keeps_its_port_when_shown():
    found = parsed("HTTPS://Siem.Example.com:8443/x")
    assert found is not None
    assert found.shown == "https://siem.example.com:8443"
    assert parsed("siem:8443") is None


def siem(**spec: Any) -> list[dict[str, Any]]:
    workload, front = taker(), service(80, **spec)
    for one in (workload, front):
        one["metadata"]["name"] = "siem"
    template = workload["spec"]["template"]
    template["metadata"]["labels"] = front["spec"]["selector"] = {"app": "siem"}
    return [workload, front]


@pytest.mark.parametrize(
    ("address", "delivered", "ways"),
    [
        ("http://siem", "true", ["taker", "siem"]),
        ("http://siem.falco.svc:80/in", "true", ["taker", "siem"]),
        ("http://siem:9000", "false", ["taker", "siem"]),
        ("http://nobody", "false", ["taker"]),
        ("https://siem.example.com", "true", ["taker"]),
    ],
)
def test_where_falcosidekick_sends_them_on(address, delivered, ways):
    workload = taker(SIDEKICK, env=env(WEBHOOK_ADDRESS=address), ports=[{"containerPort": 2801}])
    found = sent("http://taker:2801", service(), workload, *siem())
    assert found.installations[0].delivered == delivered
    kept = ways if delivered == "true" else ways[:1]
    assert sorted({r.workload.name for r in found.receivers}) == sorted(kept)
    assert {r.sender.name for r in found.receivers if r.workload.name == "siem"} <= {"taker"}


def test_one_output_that_leads_somewhere_is_enough():
    variables = env(WEBHOOK_ADDRESS="http://nobody", SLACK_WEBHOOKURL="https://x.example.com")
    found = sent("http://taker:2801", service(), taker(SIDEKICK, env=variables))
    (falco,) = found.installations
    assert falco.delivered == "true"
    assert "slack" in falco.delivery[-1].note
    assert "webhook" not in falco.delivery[-1].note


def test_a_change_that_makes_a_taker_choosy_is_weaker():
    def falco(**variables: str) -> Facts:
        taking = taker(SIDEKICK, env=env(SLACK_WEBHOOKURL="x", **variables))
        config = "json_output: true\nsyscall_event_drops: {actions: [alert]}\n"
        return sent("http://taker:2801", service(), taking, config=config)

    there = LAYER.compare(falco(), falco(SLACK_MINIMUMPRIORITY="error"))
    assert [(change.target, change.text) for change in there.weaker] == [
        ("DaemonSet falco/falco", "events that it misses: hidden"),
        ("DaemonSet falco/falco", "alerts of the rule shell no longer reach anyone"),
    ]
    back = LAYER.compare(falco(SLACK_MINIMUMPRIORITY="error"), falco())
    assert back.weaker == ()
    assert "alerts of the rule shell now reach somebody" in [c.text for c in back.stronger]
