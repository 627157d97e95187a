# SPDX-License-Identifier: Apache-2.0
"""What would the API server record?"""
