# SPDX-License-Identifier: Apache-2.0
"""How fast is an audit policy judged, and a log replayed, beside `jq` reading the same file?

``python -m support.bench.audit [EVENTS]`` writes a log of so many events (a third of the requests
are new ones), the same log's first tenth, and prints times, processor times and memory: the memory
must be the same for both. `jq` is the Debian package of that name.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kguard.layers.audit.remedy.recommended import POLICY
from support.bench.measure import Cost, once

EVENTS = 1_000_000
RULES = 200
COVERAGE_SECONDS = 1.0
REPLAY_RATE = 100_000
CUT_OFF_SECONDS = 3600.0
KGUARD = [sys.executable, "-m", "kguard", "audit"]
GROUPS = ("apps", "batch", "security.istio.io", "serving.knative.dev")
KINDS = ("deployments", "jobs", "peerauthentications", "services")
NEW_REQUESTS = 3
"""Every so many events one is about an object that was not seen before."""


def main(arguments: Sequence[str]) -> int:
    """Print three or four lines. Exit code 1 if a run of kguard fails, never for a slow machine."""
    events = int(arguments[0]) if arguments else EVENTS
    with tempfile.TemporaryDirectory() as folder:
        good = _coverage(Path(folder)) & _replay(Path(folder), events)
    return 0 if good else 1


def _coverage(folder: Path) -> bool:
    path = folder / "rules.yaml"
    path.write_text(json.dumps(_policy()))
    cost = once([*KGUARD, "coverage", str(path)])
    over = "!" if cost.seconds > COVERAGE_SECONDS else " "
    _print(f"audit: coverage of {RULES} rules", cost, f"{COVERAGE_SECONDS:g}{over}")
    return cost.code == 0


def _replay(folder: Path, events: int) -> bool:
    policy, log, tenth = folder / "policy.yaml", folder / "audit.log", folder / "tenth.log"
    policy.write_text(POLICY)
    for path, count in ((tenth, events // 10), (log, events)):
        with path.open("w") as stream:
            stream.writelines(lines(count))
    good = True
    for path, count in ((tenth, events // 10), (log, events)):
        command = [*KGUARD, "replay", "--policy", str(policy), "--log", str(path)]
        cost = once(command, CUT_OFF_SECONDS)
        _print(f"audit: replay of {count:,} events", cost, _rate(count, cost))
        good &= cost.code == 0
    jq = shutil.which("jq")
    if jq is None:
        print("audit: jq is left out: it is not installed", file=sys.stderr)
    else:
        cost = once([jq, ".level", str(log)], CUT_OFF_SECONDS)
        _print(f"jq .level of {events:,} events", cost, _rate(events, cost))
    return good


def _rate(count: int, cost: Cost) -> str:
    rate = count / cost.processor
    return f"{rate:,.0f} a second{'' if rate >= REPLAY_RATE else ' !'}"


def _print(title: str, cost: Cost, note: str) -> None:
    figures = f"{cost.seconds:8.2f} s {cost.processor:8.2f} cpu s {cost.megabytes:6.0f} MB"
    print(f"{title:38} {figures}  {note}", flush=True)


def _policy() -> dict[str, Any]:
    """Rules as they grow in a cluster of many teams, and one for everything else."""
    rules = [_rule(number) for number in range(RULES - 1)]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "rules": [*rules, {"level": "Metadata"}],
    }


def _rule(number: int) -> dict[str, Any]:
    choice = number % len(GROUPS)
    rule: dict[str, Any] = {
        "level": ("None", "Request", "RequestResponse", "Metadata")[number // 2 % 4],
        "resources": [{"group": GROUPS[choice], "resources": [KINDS[choice]]}],
    }
    if number % 3:
        rule["namespaces"] = [f"team-{number}"]
    if number % 3 != 1:
        rule["users"] = [f"system:serviceaccount:team-{number}:robot"]
    if number % 5 == 0:
        rule["userGroups"] = [f"system:serviceaccounts:team-{number}"]
    if number % 2:
        rule["verbs"] = ["create", "patch"]
    return rule


def lines(count: int) -> Iterator[str]:
    """The events of a log that the recommended policy explains, one line each."""
    for number in range(count):
        name = f"web-{number}" if number % NEW_REQUESTS == 0 else f"web-{number % 97}"
        verb, level, path = _REQUESTS[number % len(_REQUESTS)]
        team = number % 40
        minute, second = divmod(number // 1000, 60)
        hour, minute = divmod(minute, 60)
        now = f"2026-11-{1 + hour // 24:02}T{hour % 24:02}:{minute:02}:{second:02}"
        now = f"{now}.{number % 1000:03}000Z"
        yield _EVENT % (level, number, path % (team, name), verb, team, team, team, name, now, now)


_REQUESTS = (
    ("get", "Metadata", "/api/v1/namespaces/team-%d/pods/%s"),
    ("patch", "Metadata", "/apis/apps/v1/namespaces/team-%d/deployments/%s"),
    ("update", "Metadata", "/api/v1/namespaces/team-%d/configmaps/%s"),
    ("get", "Metadata", "/api/v1/namespaces/team-%d/secrets/%s"),
    ("update", "Request", "/apis/serving.knative.dev/v1/namespaces/team-%d/services/%s"),
)
_EVENT = (
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"%s","auditID":"4c0a-%012d",'
    '"stage":"ResponseComplete","requestURI":"%s","verb":"%s","user":{"username":'
    '"system:serviceaccount:team-%d:robot","uid":"0b6ae4a9","groups":["system:serviceaccounts",'
    '"system:serviceaccounts:team-%d","system:authenticated"]},"sourceIPs":["10.0.0.7"],'
    '"userAgent":"robot/v1.2.3 (linux/amd64) kubernetes/0123456","objectRef":{"resource":"pods",'
    '"namespace":"team-%d","name":"%s","apiVersion":"v1"},"responseStatus":{"metadata":{},'
    '"code":200},"requestReceivedTimestamp":"%s","stageTimestamp":"%s","annotations":'
    '{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by '
    'RoleBinding robot of Role robot to ServiceAccount robot"}}\n'
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
