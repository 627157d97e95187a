# SPDX-License-Identifier: Apache-2.0
"""What is in the input: a typed index of all manifests?

`Inventory` is what every layer reads. Layers never look at files.
"""

from __future__ import annotations

from kguard.inventory.index import Inventory, Namespace, build
from kguard.inventory.selectors import Selector, match_labels, parse_selector
from kguard.inventory.workload import Container, ContainerPort, Workload

__all__ = [
    "Container",
    "ContainerPort",
    "Inventory",
    "Namespace",
    "Selector",
    "Workload",
    "build",
    "match_labels",
    "parse_selector",
]
