# SPDX-License-Identifier: Apache-2.0
"""Which real systems do the tests run against, and how is each one built?

Run ``python3 -m support.testbed`` from the top of the checkout. Standard library only: the
testbed is built before any environment exists.
"""
