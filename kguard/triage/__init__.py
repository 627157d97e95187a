# SPDX-License-Identifier: Apache-2.0
"""Which findings are accepted, already known, or new?"""
