# SPDX-License-Identifier: Apache-2.0
"""How long does kguard take, how much memory, and how do peers fare on the same input?

``python -m support.bench`` measures the budgets of the project. Nothing here is a test: a busy
machine makes every number larger, so peers run in the same run and ratios are printed.
"""
