# SPDX-License-Identifier: Apache-2.0
"""What do random clusters of applications look like, and random changes of their objects?"""

from __future__ import annotations

import random
from typing import Any

PORTS = ("http", "web")
TIERS = 3


def cluster(dice: random.Random, teams: int = 4, apps_each: int = 4) -> list[dict]:
    """Applications of several teams that name one another, policies, now and then a mesh."""
    spaces = [f"team-{number}" for number in range(teams)]
    apps = [(f"app-{number}", dice.choice(spaces)) for number in range(teams * apps_each)]
    found = [_namespace(dice, space) for space in spaces]
    for number, (name, space) in enumerate(apps):
        found += _application(dice, number, name, space, apps)
    found += [_policy(dice, n, spaces, apps) for n in range(dice.randrange(teams * 2))]
    if dice.random() < 0.5:
        found += [_authentication(dice, space) for space in dice.sample(spaces, 2)]
    found += [_node(number) for number in range(2)]
    return found + (_components() if dice.random() < 0.5 else [])


def _object(kind: str, name: str, namespace: str = "", version: str = "v1", **fields: Any) -> dict:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    labels = fields.pop("labels", None)
    owner = fields.pop("owner", None)
    if labels:
        metadata["labels"] = labels
    if owner:
        metadata["ownerReferences"] = [{**owner, "controller": True}]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _namespace(dice: random.Random, name: str) -> dict:
    mesh = {"istio-injection": "enabled"} if dice.random() < 0.3 else {}
    return _object("Namespace", name, labels={"team": name, **mesh})


def _node(number: int) -> dict:
    return _object("Node", f"node-{number}", labels={"kubernetes.io/os": "linux"})


def _authentication(dice: random.Random, space: str) -> dict:
    spec = {"mtls": {"mode": dice.choice(["STRICT", "PERMISSIVE"])}}
    return _object("PeerAuthentication", "default", space, "security.istio.io/v1", spec=spec)


def _application(
    dice: random.Random, number: int, name: str, space: str, apps: list[tuple[str, str]]
) -> list[dict]:
    labels = {"app": name, "tier": f"t{dice.randrange(TIERS)}"}
    spec = _pod(dice, number, name, apps)
    kind = dice.choice(["Deployment", "Deployment", "StatefulSet", "Pod", "Job", "CronJob"])
    template = {"metadata": {"labels": labels}, "spec": spec}
    found = [_workload(kind, name, space, labels, template)]
    if kind == "Deployment":
        found += _running(number, name, space, labels, template)
    if dice.random() < 0.7:
        found.append(_service(dice, name, space))
    return found


def _pod(dice: random.Random, number: int, name: str, apps: list[tuple[str, str]]) -> dict:
    env = []
    for _ in range(dice.choice([0, 1, 1, 2])):
        other, elsewhere = dice.choice(apps)
        forms = [f"http://{other}.{elsewhere}:8080", f"{other}.{elsewhere}.svc.cluster.local:8080"]
        env.append({"name": "BACKEND_URL", "value": dice.choice([*forms, f"http://{other}:8080"])})
    images = [f"r.example/{name}:1", f"r.example/{name}@sha256:{number:064x}", "busybox"]
    container = {
        "name": "main",
        "image": dice.choice(images),
        "ports": [{"name": dice.choice(PORTS), "containerPort": 8080}],
        "env": env,
    }
    if dice.random() < 0.2:
        container["securityContext"] = {"privileged": True}
    return {"containers": [container], **({"hostNetwork": True} if dice.random() < 0.1 else {})}


def _workload(kind: str, name: str, space: str, labels: dict, template: dict) -> dict:
    if kind == "Pod":
        status = {"phase": "Running"}
        return _object(kind, name, space, labels=labels, spec=template["spec"], status=status)
    if kind == "CronJob":
        job = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}
        return _object(kind, name, space, "batch/v1", labels=labels, spec=job)
    version = "batch/v1" if kind == "Job" else "apps/v1"
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    return _object(kind, name, space, version, labels=labels, spec=spec)


def _running(number: int, name: str, space: str, labels: dict, template: dict) -> list[dict]:
    """The ReplicaSet of a Deployment and its two pods, which run."""
    above = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    middle = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-77"}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    found = [
        _object(
            *("ReplicaSet", f"{name}-77", space, "apps/v1"), labels=labels, spec=spec, owner=above
        )
    ]
    image = template["spec"]["containers"][0]["image"]
    seen = {"name": "main", "image": image, "ready": True}
    seen["imageID"] = f"r.example/x@sha256:{number + 100:064x}"
    for replica in range(2):
        status = {
            "phase": "Running",
            "podIP": f"10.0.{number}.{replica}",
            "containerStatuses": [seen],
        }
        spec = {**template["spec"], "nodeName": f"node-{replica}"}
        fields = {"labels": labels, "spec": spec, "status": status, "owner": middle}
        found.append(_object("Pod", f"{name}-77-{replica}", space, **fields))
    return found


def _service(dice: random.Random, name: str, space: str) -> dict:
    spec = {
        "selector": {"app": name},
        "type": dice.choice(["ClusterIP", "ClusterIP", "LoadBalancer"]),
        "ports": [{"port": 8080, "targetPort": dice.choice(["http", 8080])}],
    }
    return _object("Service", dice.choice([name, name, f"{name}-svc"]), space, spec=spec)


def _policy(
    dice: random.Random, number: int, spaces: list[str], apps: list[tuple[str, str]]
) -> dict:
    tier = {"matchLabels": {"tier": f"t{dice.randrange(TIERS)}"}}
    app = {"matchLabels": {"app": dice.choice(apps)[0]}}
    peers = [
        {"podSelector": tier},
        {"namespaceSelector": {"matchLabels": {"team": dice.choice(spaces)}}},
        {"namespaceSelector": {}, "podSelector": app},
        {"ipBlock": {"cidr": "10.0.0.0/8"}},
    ]
    types = dice.choice([["Ingress"], ["Egress"], ["Ingress", "Egress"]])
    spec: dict[str, Any] = {"podSelector": dice.choice([{}, tier, app]), "policyTypes": types}
    if "Ingress" in types and dice.random() < 0.8:
        port = {"port": dice.choice(["http", 8080])}
        spec["ingress"] = [{"from": [dice.choice(peers)], "ports": [port]}]
    if "Egress" in types and dice.random() < 0.8:
        spec["egress"] = [{"to": [dice.choice(peers)]}]
    version = "networking.k8s.io/v1"
    return _object("NetworkPolicy", f"np-{number}", dice.choice(spaces), version, spec=spec)


def _components() -> list[dict]:
    """A detector and the cluster's DNS."""
    found = []
    for kind, name, space, labels, image in (
        ("DaemonSet", "falco", "falco", {"app": "falco"}, "falcosecurity/falco:0.41.0"),
        ("Deployment", "coredns", "kube-system", {"k8s-app": "kube-dns"}, "coredns:1"),
    ):
        pods = {"metadata": {"labels": labels}, "spec": {"containers": [_named(name, image)]}}
        spec = {"selector": {"matchLabels": labels}, "template": pods}
        found.append(_object(kind, name, space, "apps/v1", labels=labels, spec=spec))
    dns = {"selector": {"k8s-app": "kube-dns"}, "ports": [{"port": 53, "protocol": "UDP"}]}
    return [*found, _object("Service", "kube-dns", "kube-system", spec=dns)]


def _named(name: str, image: str) -> dict:
    return {"name": name, "image": image}


def changed(dice: random.Random, item: dict) -> dict | None:
    """The object otherwise; None for kinds of which no change is known."""
    spec = item.get("spec", {})
    if item["kind"] == "NetworkPolicy":
        ways = [
            {"ingress": [{}], "policyTypes": ["Ingress"]},
            {"policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []},
            {"podSelector": {"matchLabels": {"tier": "t0"}}},
        ]
        spec.update(dice.choice(ways))
        return item
    if item["kind"] == "Service":
        spec["selector"] = {"tier": "t1"}
        return item
    pod = item if item["kind"] == "Pod" else spec.get("template")
    if not isinstance(pod, dict):
        return None
    _change_pod(dice, pod)
    return item


def _change_pod(dice: random.Random, pod: dict) -> None:
    container = pod["spec"]["containers"][0]
    way = dice.randrange(5)
    if way == 0:
        pod["metadata"].setdefault("labels", {})["tier"] = "t9"
    elif way == 1:
        container["image"] = "other/x:latest"
    elif way == 2:
        container["ports"] = [{"containerPort": 6379}]
    elif way == 3:
        pod["spec"]["hostNetwork"] = True
    else:
        pod["metadata"].setdefault("annotations", {})["x"] = "y"
