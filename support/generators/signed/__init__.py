# SPDX-License-Identifier: Apache-2.0
"""Images signed in every format by a public key infrastructure of our own, made from a seed.

The same seed gives the same bytes (keys are derived, ECDSA signatures are those of RFC 6979), so
that recorded answers of cosign need no recorded signatures. The shapes are those of the recorded
answers that lie beside the project: repositories, content by digest, and cases.
"""
