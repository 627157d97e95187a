# SPDX-License-Identifier: Apache-2.0
"""The mTLS layer: which mode does every workload port really enforce?"""
