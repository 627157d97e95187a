# SPDX-License-Identifier: Apache-2.0
"""What do attackers do, as the fields of an event that Falco sees?

Each scenario is written from what the attack does on the node, not from any rule. The goals and
their names follow the required-detection baseline of kguard.
"""

from __future__ import annotations

import msgspec

Values = str | tuple[str, ...]


class Scenario(msgspec.Struct, frozen=True):
    """One event of an attack; fields that are not named are missing in the event."""

    id: str
    title: str
    event: dict[str, Values]


_CONTAINER: dict[str, Values] = {
    "evt.num": "4711",
    "evt.dir": "<",
    "evt.source": "syscall",
    "container.id": "3ad7b26ded6d",
    "container.name": "web",
    "container.type": "containerd",
    "container.image": "registry.example/web:1",
    "container.image.repository": "registry.example/web",
    "container.image.tag": "1",
    "container.privileged": "false",
    "k8s.ns.name": "shop",
    "k8s.pod.name": "web-1",
    "user.name": "www-data",
    "user.uid": "33",
    "user.loginuid": "-1",
    "proc.pid": "4242",
    "proc.vpid": "17",
    "proc.ppid": "4200",
    "proc.duration": "60000000000",
    "proc.is_exe_upper_layer": "false",
    "proc.is_exe_from_memfd": "false",
    "proc.is_exe_writable": "false",
    "proc.tty": "0",
    "proc.sname": "web",
}


def _process(name: str, path: str, line: str, parent: str = "web") -> dict[str, Values]:
    arguments = line.partition(" ")[2]
    return {
        **_CONTAINER,
        "proc.name": name,
        "proc.exe": path,
        "proc.exepath": path,
        "proc.cmdline": line,
        "proc.args": arguments,
        "proc.pname": parent,
        "proc.aname": (parent, "containerd-shim"),
        "proc.aname[1]": parent,
        "proc.aname[2]": "containerd-shim",
        "proc.pcmdline": parent,
        "proc.pexepath": f"/usr/bin/{parent}",
    }


def _started(name: str, path: str, line: str, parent: str = "web") -> dict[str, Values]:
    return {
        **_process(name, path, line, parent),
        "evt.type": "execve",
        "evt.res": "SUCCESS",
        "evt.rawres": "0",
    }


def _opened(process: dict[str, Values], file: str, *, write: bool = False) -> dict[str, Values]:
    folder, _, name = file.rpartition("/")
    return {
        **process,
        "evt.type": "openat",
        "evt.is_open_read": "false" if write else "true",
        "evt.is_open_write": "true" if write else "false",
        "evt.res": "SUCCESS",
        "evt.rawres": "5",
        "fd.num": "5",
        "fd.type": "file",
        "fd.typechar": "f",
        "fd.name": file,
        "fd.nameraw": file,
        "fd.directory": folder,
        "fd.filename": name,
        "fs.path.name": file,
    }


def _connected(process: dict[str, Values], address: str, port: str) -> dict[str, Values]:
    return {
        **process,
        "evt.type": "connect",
        "evt.res": "EINPROGRESS",
        "evt.rawres": "-115",
        "evt.failed": "false",
        "fd.num": "6",
        "fd.type": "ipv4",
        "fd.typechar": "4",
        "fd.l4proto": "tcp",
        "fd.sockfamily": "ip",
        "fd.connected": "true",
        "fd.name": f"10.1.2.3:40000->{address}:{port}",
        "fd.cip": "10.1.2.3",
        "fd.sip": address,
        "fd.rip": address,
        "fd.lip": "10.1.2.3",
        "fd.sport": port,
        "fd.rport": port,
    }


_CURL = _process("curl", "/usr/bin/curl", "curl -s https://example.com", "sh")

SCENARIOS = (
    Scenario(
        "D1",
        "a shell opened inside a container",
        {**_started("bash", "/bin/bash", "bash", "runc"), "proc.tty": "34816"},
    ),
    Scenario(
        "D2",
        "a binary that is not part of the image, started",
        {
            **_started("implant", "/srv/implant", "implant --connect", "sh"),
            "proc.is_exe_upper_layer": "true",
            "proc.is_exe_writable": "true",
        },
    ),
    Scenario(
        "D3",
        "a program started from memory",
        {
            **_started("3", "/proc/self/fd/3", "3", "python3"),
            "proc.exepath": "memfd:x",
            "proc.is_exe_from_memfd": "true",
        },
    ),
    Scenario(
        "D4",
        "an escape from the container through release_agent",
        {
            **_opened(
                _process("sh", "/bin/sh", "sh -c escape"),
                "/sys/fs/cgroup/rdma/release_agent",
                write=True,
            ),
            "user.uid": "0",
            "user.name": "root",
            "thread.cap_effective": "CAP_DAC_OVERRIDE CAP_SYS_ADMIN",
        },
    ),
    Scenario(
        "D5",
        "the file of password hashes read",
        _opened(_process("cat", "/bin/cat", "cat /etc/shadow", "sh"), "/etc/shadow"),
    ),
    Scenario(
        "D6",
        "standard input bound to a connection, as a reverse shell does",
        {
            **_connected(
                _process("bash", "/bin/bash", "bash -i", "python3"), "203.0.113.9", "4444"
            ),
            "evt.type": "dup2",
            "evt.rawres": "0",
            "evt.res": "0",
            "fd.num": "0",
            "proc.tty": "0",
        },
    ),
    Scenario(
        "D7",
        "the API server contacted from a container",
        {
            **_connected(_CURL, "10.96.0.1", "443"),
            "fd.sip.name": "kubernetes.default.svc.cluster.local",
        },
    ),
    Scenario(
        "D8",
        "the metadata service of the cloud contacted",
        _connected(_CURL, "169.254.169.254", "80"),
    ),
    Scenario(
        "D9",
        "a package manager started inside a container",
        _started("apt-get", "/usr/bin/apt-get", "apt-get install -y nmap", "sh"),
    ),
    Scenario(
        "D10",
        "a miner that talks to its pool",
        _started(
            "xmrig", "/srv/xmrig", "xmrig -o stratum+tcp://pool.minexmr.com:4444 -u wallet", "sh"
        ),
    ),
    Scenario(
        "D11",
        "log files wiped",
        {
            **_opened(
                _process("truncate", "/usr/bin/truncate", "truncate -s 0 /var/log/auth.log", "sh"),
                "/var/log/auth.log",
                write=True,
            ),
            "evt.arg.flags": "O_TRUNC|O_WRONLY",
        },
    ),
)
"""In the order of their ids."""
