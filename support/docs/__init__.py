# SPDX-License-Identifier: Apache-2.0
"""Which pages of docs/ are generated, and from what?"""
