# SPDX-License-Identifier: Apache-2.0
"""What does NetworkPolicy really let through? (pure: no files, no clock, no Rego)."""
