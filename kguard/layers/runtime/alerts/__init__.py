# SPDX-License-Identifier: Apache-2.0
"""What did Falco see?

Alerts are evidence of what happened, never of what did not: a silent Falco proves nothing.
"""
