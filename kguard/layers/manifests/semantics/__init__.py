# SPDX-License-Identifier: Apache-2.0
"""What does the API server do with an object as it is written: store it, refuse it, drop parts?"""
