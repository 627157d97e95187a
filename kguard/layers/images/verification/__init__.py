# SPDX-License-Identifier: Apache-2.0
"""Does a signature hold, whose is it, and if not, which step fails?

The order of steps and what counts as a failure follow sigstore/sigstore-go pkg/verify
(`Verifier.Verify`) as sigstore/cosign pkg/cosign/verify.go configures it. A signature with a
certificate that passes must also pass `sigstore`, which is an independent implementation.
"""
