# SPDX-License-Identifier: Apache-2.0
"""Which fields does an event have when a process does something?

Authority: the field tables of falcosecurity/libs userspace/libsinsp/sinsp_filtercheck_*.cpp and of
the plugins container and k8saudit. An event lacks what its kind does not have: a program that
starts has no `fd.*`.
"""

from __future__ import annotations

Values = str | tuple[str, ...]
"""One value, or several where a field stands for several."""

IN_CONTAINER: dict[str, Values] = {
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
"""What every event of a process in a container says."""


def process(name: str, path: str, line: str, parent: str = "web") -> dict[str, Values]:
    """A process in a container, without what it does."""
    arguments = line.partition(" ")[2]
    return {
        **IN_CONTAINER,
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


def started(name: str, path: str, line: str, parent: str = "web") -> dict[str, Values]:
    """A program starts."""
    return {
        **process(name, path, line, parent),
        "evt.type": "execve",
        "evt.res": "SUCCESS",
        "evt.rawres": "0",
    }


def opened(by: dict[str, Values], file: str, *, write: bool = False) -> dict[str, Values]:
    """A process opens a file."""
    folder, _, name = file.rpartition("/")
    return {
        **by,
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


def connected(by: dict[str, Values], address: str, port: str) -> dict[str, Values]:
    """A process connects to an address."""
    return {
        **by,
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


def audited(
    verb: str, resource: str, name: str, *, subresource: str = "", stage: str, code: str
) -> dict[str, Values]:
    """A request to the API server, as its audit log records it."""
    path = f"/api/v1/namespaces/shop/{resource}/{name}"
    return {
        "evt.num": "4711",
        "evt.type": "pluginevent",
        "evt.source": "k8s_audit",
        "jevt.rawtime": "1795000000000000000",
        "jevt.value[/stage]": stage,
        "ka.stage": stage,
        "ka.auditid": "c0ffee00-0000-4000-8000-000000000000",
        "ka.user.name": "mallory@example.com",
        "ka.user.groups": ("system:authenticated",),
        "ka.verb": verb,
        "ka.uri": f"{path}/{subresource}" if subresource else path,
        "ka.target.name": name,
        "ka.target.namespace": "shop",
        "ka.target.resource": resource,
        "ka.target.subresource": subresource,
        "ka.response.code": code,
        "ka.auth.decision": "allow",
    }
