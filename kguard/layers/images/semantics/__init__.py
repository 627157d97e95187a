# SPDX-License-Identifier: Apache-2.0
"""What would a registry client, an admission enforcer or containerd do with an image?"""
