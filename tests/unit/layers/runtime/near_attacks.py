# SPDX-License-Identifier: Apache-2.0
"""What looks like each attack and is none: the fields in which an ordinary event differs."""

from __future__ import annotations

_ELSEWHERE = {"fd.sip": "10.96.0.7", "fd.rip": "10.96.0.7", "fd.sip.name": "db.shop.svc"}
_WEB = {"proc.name": "web", "proc.cmdline": "web --listen", "proc.args": "--listen"}
_LOGS = {"proc.cmdline": "find /srv -name app.log", "proc.args": "/srv -name app.log"}
_APPENDED = {"evt.arg.flags": "O_APPEND|O_WRONLY"}

NEAR = {
    "D1": {"proc.tty": "0"},
    "D2": {"proc.is_exe_upper_layer": "false"},
    "D3": {"proc.is_exe_from_memfd": "false"},
    "D4": {"fd.name": "/sys/fs/cgroup/cpu.max"},
    "D4.debugfs": {"container.privileged": "false"},
    "D4.nsenter": {"container.id": "host"},
    "D4.mount": {"container.privileged": "false"},
    "D5": {"fd.name": "/etc/hostname", "fd.directory": "/etc", "fd.filename": "hostname"},
    "D5.keys": _LOGS,
    "D5.cloud": _LOGS,
    "D5.token": _WEB,
    "D6": {"fd.num": "7", "evt.res": "7", "evt.rawres": "7"},
    "D6.netcat": {"proc.cmdline": "nc -l 8080", "proc.args": "-l 8080"},
    "D7": _ELSEWHERE,
    "D8": _ELSEWHERE,
    "D9": _WEB,
    "D9.copy": _WEB,
    "D10": _WEB,
    "D11": _APPENDED,
    "D11.history": _APPENDED,
    "D12": {"container.privileged": "false"},
    "D12.mount": {"container.mounts": "/srv/data:/data:rw:true:rprivate"},
    "D13": {"ka.verb": "get", "ka.target.subresource": "log"},
    "D13.forward": {"ka.target.subresource": "status"},
    "D14": _ELSEWHERE,
}
