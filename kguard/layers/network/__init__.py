# SPDX-License-Identifier: Apache-2.0
"""Is pod-to-pod traffic restricted, and what exactly is open?"""
