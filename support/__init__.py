# SPDX-License-Identifier: Apache-2.0
"""What does the project need besides the product? None of it is shipped."""
