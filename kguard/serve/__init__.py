# SPDX-License-Identifier: Apache-2.0
"""How does kguard answer an API server, one AdmissionReview after the other?"""
