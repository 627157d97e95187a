# SPDX-License-Identifier: Apache-2.0
"""What would Falco and the DaemonSet controller do?"""
