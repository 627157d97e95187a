# SPDX-License-Identifier: Apache-2.0
"""Which attacks would Falco see, on which nodes, and would anyone hear of them?"""
