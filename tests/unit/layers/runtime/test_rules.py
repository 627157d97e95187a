# SPDX-License-Identifier: Apache-2.0
"""Do kguard's own rules load cleanly, see every attack of the baseline, and nothing ordinary?"""

from __future__ import annotations

import re
from types import SimpleNamespace

import msgspec
import pytest

from kguard import data
from kguard.layers.runtime.generated import OUTBOUND, UNSIGNED, local_rules
from kguard.layers.runtime.semantics.environment import ENGINES, EVERY_PLUGIN
from kguard.layers.runtime.semantics.evaluation import holds
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, load
from kguard.layers.runtime.semantics.losses import verdicts
from kguard.layers.runtime.semantics.parser import parse
from kguard.layers.runtime.semantics.scenarios import ORDINARY, SCENARIOS
from kguard.model.facts.network import Flow
from tests.unit.layers.runtime.near_attacks import NEAR

FILES = ("kguard_rules.yaml", "kguard_k8s_audit_rules.yaml", "kguard_intent_rules.yaml")
MATURITY = {"maturity_stable", "maturity_incubating", "maturity_sandbox"}
CONTAINER = {"container.id": "3ad7b26ded6d", "evt.num": "1", "proc.tty": "0", "proc.vpid": "17"}
STARTED = {**CONTAINER, "evt.type": "execve", "proc.is_exe_upper_layer": "false"}
REVISION = {
    "k8s.pod.label[serving.knative.dev/revision]": "shop-00001",
    "k8s.pod.label[serving.knative.dev/service]": "shop",
}
CONNECT = {**CONTAINER, "evt.type": "connect", "fd.typechar": "4"}


def read(name: str) -> RulesFile:
    return RulesFile(name, (data.rules_dir() / name).read_text())


@pytest.fixture(scope="module")
def shipped() -> Ruleset:
    return load([read(name) for name in FILES])


def seen(ruleset, event, source="syscall"):
    """The rules of a source that match an event, those that are off but for their lists too."""
    rules = ruleset.compiled.rules.items()
    unfilled = {UNSIGNED} - {name for name, on in ruleset.enabled().items() if on}
    found = {n for n, r in rules if r.info.source == source and holds(r.condition, event)}
    return found - unfilled


@pytest.mark.parametrize("engine", ENGINES.values(), ids=lambda engine: str(engine.version[1]))
@pytest.mark.parametrize("path", sorted(data.rules_dir().glob("*.yaml")), ids=lambda p: p.name)
def test_each_file_loads_without_a_word(path, engine):
    environment = msgspec.structs.replace(EVERY_PLUGIN, engine=engine)
    ruleset = load([RulesFile(path.name, path.read_text())], environment)
    (result,) = ruleset.results
    assert (result.errors, result.warnings) == ([], [])
    assert ruleset.compiled.rules


def test_each_can_match_and_can_be_extended(shipped):
    assert {answer.verdict for answer in verdicts(shipped).values()} == {"live"}
    off = {name for name, on in shipped.enabled().items() if not on}
    assert off == {OUTBOUND, UNSIGNED}
    for rule in shipped.compiled.rules.values():
        assert len(rule.info.exceptions) == 1
        assert len(MATURITY & rule.info.tags) == 1
        assert "kguard" in rule.info.tags
        assert any(re.fullmatch(r"T[0-9]{4}", tag) for tag in rule.info.tags), rule.info.name


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_attacks_are_seen(shipped, scenario):
    fired = seen(shipped, scenario.event, scenario.source)
    assert any(scenario.id in shipped.compiled.rules[name].info.tags for name in fired)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_what_only_looks_like_an_attack_is_not(shipped, scenario):
    fired = seen(shipped, {**scenario.event, **NEAR[scenario.id]}, scenario.source)
    assert not any(scenario.id in shipped.compiled.rules[name].info.tags for name in fired)


@pytest.mark.parametrize("scenario", ORDINARY, ids=lambda scenario: scenario.id)
def test_ordinary_life_is_not(shipped, scenario):
    assert seen(shipped, scenario.event, scenario.source) == set()


QUEUE = {**STARTED, "container.name": "queue-proxy", "proc.pname": "queue"}
SIDECAR = {**STARTED, "container.name": "istio-proxy", "proc.pname": "pilot-agent"}
HANDLED = {**STARTED, **REVISION, "proc.name": "sh", "proc.pname": "node"}
KNATIVE = "kguard foreign process beside Knative"
REMOTE = "kguard outbound connection of queue-proxy"


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        ({**QUEUE, "proc.name": "sh"}, KNATIVE),
        ({**QUEUE, "proc.name": "wget"}, KNATIVE),
        ({**STARTED, "proc.name": "sh", "proc.pexepath": "/ko-app/queue"}, KNATIVE),
        ({**STARTED, "k8s.ns.name": "knative-serving", "proc.name": "curl"}, KNATIVE),
        ({**STARTED, "container.name": "activator", "proc.name": "x"}, KNATIVE),
        ({**SIDECAR, "proc.name": "bash"}, "kguard foreign process beside Istio"),
        (
            {**STARTED, "proc.name": "nc", "proc.pexepath": "/usr/local/bin/pilot-agent"},
            "kguard foreign process beside Istio",
        ),
        (HANDLED, "kguard shell in a Knative revision"),
        (
            {**STARTED, **REVISION, "proc.name": "x", "proc.exepath": "/tmp/x"},
            "kguard program that is not in the image of a revision",
        ),
        (
            {**STARTED, **REVISION, "proc.name": "x", "proc.is_exe_upper_layer": "true"},
            "kguard program that is not in the image of a revision",
        ),
        ({**CONNECT, "container.name": "queue-proxy", "fd.sip": "203.0.113.9"}, REMOTE),
        (
            {
                **CONNECT,
                "container.name": "queue-proxy",
                "fd.typechar": "6",
                "fd.sip": "2001:db8::1",
            },
            REMOTE,
        ),
    ],
)
def test_attacks_on_knative_and_istio(shipped, event, rule):
    assert rule in seen(shipped, event)


@pytest.mark.parametrize(
    "event",
    [
        {**STARTED, "proc.name": "cat", "proc.cmdline": "cat /tmp/healthy", "container.name": "a"},
        {**QUEUE, "proc.name": "queue", "proc.pname": "runc"},
        {**STARTED, "k8s.ns.name": "knative-serving", "proc.name": "controller"},
        {**SIDECAR, "proc.name": "envoy", "proc.pexepath": "/usr/local/bin/pilot-agent"},
        {**STARTED, "container.name": "istio-init", "proc.name": "iptables-restor"},
        {**STARTED, "proc.name": "sh", "proc.cmdline": "sh -c ./probe", "container.name": "a"},
        {**HANDLED, "proc.pname": "runc"},
        {**HANDLED, "proc.vpid": "1", "proc.pname": "containerd-shim"},
        {**HANDLED, "proc.name": "node", "proc.pname": "sh"},
        {**STARTED, **REVISION, "proc.name": "node", "proc.exepath": "/usr/bin/node"},
        {**CONNECT, "fd.sip": "10.0.0.9"},
        {**CONNECT, "container.name": "queue-proxy", "fd.sip": "10.8.0.9"},
        {**CONNECT, "container.name": "queue-proxy", "fd.sip": "127.0.0.1"},
        {**CONNECT, "container.name": "queue-proxy", "fd.typechar": "6", "fd.sip": "fd00::9"},
        {**STARTED, "container.id": "host", "proc.name": "sh", "container.name": "queue-proxy"},
    ],
)
def test_ordinary_events_are_not(shipped, event):
    assert seen(shipped, event) == set()


def flow(target):
    return msgspec.structs.replace(FLOW, target=target)


FLOW = msgspec.convert(
    {"source": "shop/web", "target": "", "port": "443/TCP", "basis": "declared"}
    | {"verdict": "allowed", "cut_by": "nothing", "because": []}
    | {"ref": {"kind": "Deployment", "name": "web", "namespace": "shop"}},
    Flow,
)


@pytest.mark.parametrize(
    ("event", "fires"),
    [
        ({"fd.sip": "203.0.113.9"}, True),
        ({"fd.sip": "198.51.100.77"}, False),
        ({"fd.sip": "192.0.2.1", "fd.sip.name": "kafka.example.com"}, False),
        ({"fd.sip": "10.4.0.1"}, False),
    ],
)
def test_connections_that_are_meant_are_not_seen(event, fires):
    flows = [flow("198.51.100.0/24"), flow("kafka.example.com"), flow("0.0.0.0/0"), flow("a/b")]
    local = RulesFile("local.yaml", local_rules(flows, []))
    ruleset = load([read("kguard_intent_rules.yaml"), local])
    assert [problem for result in ruleset.results for problem in result.warnings] == []
    assert ruleset.enabled() == {OUTBOUND: True, UNSIGNED: False}
    assert (OUTBOUND in seen(ruleset, {**CONNECT, **event})) is fires


def test_images_that_are_signed_are_not_seen():
    uses = [use("sha256:aa", "verified"), use("sha256:bb", "unsigned"), use("", "verified")]
    local = RulesFile("local.yaml", local_rules([], uses))
    ruleset = load([read("kguard_intent_rules.yaml"), local])
    assert ruleset.enabled() == {OUTBOUND: False, UNSIGNED: True}
    first = {**STARTED, "proc.vpid": "1", "container.image.repository": "registry.example/web"}
    assert seen(ruleset, {**first, "container.image.digest": "sha256:aa"}) == set()
    assert seen(ruleset, {**first, "container.image.digest": "sha256:bb"}) == {UNSIGNED}
    assert seen(ruleset, {**STARTED, "proc.vpid": "1"}) == set()


def use(digest, signature):
    return SimpleNamespace(digest=digest, signature=signature)


def test_nothing_known_switches_nothing_on():
    ruleset = load([read("kguard_intent_rules.yaml"), RulesFile("local.yaml", local_rules([], []))])
    assert not any(ruleset.enabled().values())


def test_an_exception_that_is_appended_silences_one_program(shipped):
    local = (
        "- rule: kguard shell in container\n"
        "  exceptions:\n"
        "  - name: known_programs\n"
        "    values:\n"
        "    - [registry.example/web, bash]\n"
        "  override: {exceptions: append}\n"
    )
    changed = load([read(FILES[0]), RulesFile("b", local)])
    rule = changed.compiled.rules["kguard shell in container"]
    assert holds(rule.condition, SCENARIOS[0].event) is False
    assert holds(rule.condition, {**SCENARIOS[0].event, "container.image.repository": "x"}) is True


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("a.b = 1", False),
        ("not a.b = 1", True),
        ("a.b != 1", False),
        ("a.b exists", False),
        ("proc.name exists", True),
        ("proc.name != cat", True),
        ("proc.aname = init", True),
        ("fd.snet = 10.0.0.0/8", True),
        ("fd.sip in (10.1.0.0/16, 10.0.0.1)", True),
        ("fd.name pmatch (/etc, /var)", True),
        ("fd.name regex /etc/.*", True),
        ("tolower(proc.name) = bash", True),
        ("proc.name = val(proc.pname)", False),
        ("fd.ip != 10.0.0.1", False),
        ("fd.ip != 10.0.0.2", False),
        ("fd.ip != 10.0.0.3", True),
        ("fd.net != 10.0.0.0/31", False),
        ("fd.port != 443", False),
        ("fd.port != 40000", False),
        ("fd.port != 80", True),
        ("container.mount.dest[/etc] exists", True),
        ("container.mount.dest[/e*] = /host", True),
        ("container.mount.mode[0] = ro", True),
        ("container.mount.dest[/host] exists", False),
        ("b64(proc.name) = x", None),
        ("b64(proc.name) = x or proc.name = Bash", True),
        ("b64(proc.name) = x and proc.name = no", False),
    ],
)
def test_evaluation(condition, answer):
    event = {
        "proc.name": "Bash",
        "proc.pname": "sh",
        "proc.aname": ("sh", "init"),
        "fd.sip": "10.0.0.1",
        "fd.cip": "10.0.0.2",
        "fd.sport": "443",
        "fd.cport": "40000",
        "container.mounts": "/etc:/host:ro:false:private",
        "fd.name": "/etc/shadow",
    }
    assert holds(parse(condition), event) is answer
