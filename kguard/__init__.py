# SPDX-License-Identifier: Apache-2.0
"""kguard tells whether the five protection layers of a Kubernetes cluster are really in force."""

__version__ = "0.1.0"
