# SPDX-License-Identifier: Apache-2.0
"""Where do signatures lie, and what is in the evidence that was given?"""
