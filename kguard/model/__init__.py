# SPDX-License-Identifier: Apache-2.0
"""What do all parts of kguard talk about?"""
