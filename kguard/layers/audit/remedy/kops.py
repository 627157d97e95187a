# SPDX-License-Identifier: Apache-2.0
"""Which edits make a kOps cluster audited?

Authority: kops.sigs.k8s.io "Cluster Resource" (`kubeAPIServer.auditPolicyFile`, `auditLogPath` and
the limits of the log; `fileAssets` writes a file to the machines of a role; the folder
/srv/kubernetes/kube-apiserver is one that the API server's pod sees).
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.audit.facts.platforms import KOPS_FIELDS
from kguard.layers.audit.remedy.dialects import appended
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping
from kguard.model.remedies import Operation

POLICY_PATH = "/srv/kubernetes/kube-apiserver/audit-policy.yaml"
LOG_PATH = "/var/log/kube-apiserver-audit.log"
_FIELDS = {flag: field for field, flag in KOPS_FIELDS.items()}


def kops_operations(holder: Manifest, flags: dict[str, str], policy: str) -> Iterator[Operation]:
    """The edits of one kOps Cluster; `policy` is the text of a policy that it shall get."""
    wanted = {_FIELDS[name]: _value(text) for name, text in flags.items()}
    given = mapping(holder.spec.get("kubeAPIServer"))
    if wanted and not given:
        yield Operation("add", "/spec/kubeAPIServer", wanted)
    elif wanted:
        for field, value in wanted.items():
            place = "/spec/kubeAPIServer" + pointer(field)
            yield Operation("replace" if field in given else "add", place, value)
    if policy:
        asset = {
            "name": "audit-policy",
            "path": POLICY_PATH,
            "roles": ["ControlPlane"],
            "content": policy,
        }
        yield from appended(mapping(holder.spec), "/spec", "fileAssets", [asset])


def _value(text: str) -> int | str:
    return int(text) if text.isdecimal() else text
