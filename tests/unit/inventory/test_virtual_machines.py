# SPDX-License-Identifier: Apache-2.0
"""Are the pods of KubeVirt machines workloads?"""

from __future__ import annotations

from tests.objects import inventory

_MACHINE = """
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: old-erp, namespace: erp}
spec:
  template:
    metadata: {labels: {kubevirt.io/vm: old-erp}}
    spec: {domain: {cpu: {cores: 2}}}
"""


def test_a_machine_is_a_workload_with_the_labels_of_its_template() -> None:
    (found,) = inventory(_MACHINE).workloads
    assert (found.namespace, found.name, found.owner_kind) == ("erp", "old-erp", "VirtualMachine")
    assert found.labels == {"kubevirt.io/vm": "old-erp"}
    assert found.containers == ()
