# SPDX-License-Identifier: Apache-2.0
"""How do Rego policies become findings?"""
