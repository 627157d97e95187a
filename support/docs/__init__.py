# SPDX-License-Identifier: Apache-2.0
"""Which pages of docs/ and roles of deploy/ are generated, and from what?"""
