# SPDX-License-Identifier: Apache-2.0
"""What would Istio do with these objects?

Pure functions, one module a question: `peerauth` (which mode does a sidecar enforce), `ambient`
(which connections does ztunnel deny), `validation` (would the API server store the policy),
`capture` (which ports does the proxy see at all), `destination` (what does a client send).
"""
