# SPDX-License-Identifier: Apache-2.0
"""What must be applied to close the findings, and what proves that it does no harm?"""
