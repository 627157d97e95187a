# SPDX-License-Identifier: Apache-2.0
"""Which audit policy does kguard propose where there is none?

It has no hole and writes no credentials (a test proves both on the exact regions); what it drops
is the noise list of `semantics.families`. ConfigMaps that configure Knative and Istio are
recorded with their content by name; a name is not in the URL of a create, which stays at Metadata.
"""

from __future__ import annotations

FILE_NAME = "audit-policy.yaml"

POLICY = """\
# Records every management operation; credentials stay out of the log.
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
# Probes and discovery, except of callers whose login failed: these carry no group.
- level: None
  userGroups: [system:authenticated, system:unauthenticated]
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*", "/metrics"]
# Events describe operations, they are none.
- level: None
  userGroups: [system:authenticated, system:unauthenticated]
  resources:
  - group: ""
    resources: [events]
  - group: events.k8s.io
    resources: [events]
# Leases: heartbeats of nodes and leader elections.
- level: None
  userGroups: [system:nodes]
  namespaces: [kube-node-lease]
  resources:
  - group: coordination.k8s.io
    resources: [leases]
- level: None
  users:
  - system:apiserver
  - system:cloud-controller-manager
  - system:kube-controller-manager
  - system:kube-scheduler
  - system:serviceaccount:kube-system:endpoint-controller
  namespaces: [kube-system]
  resources:
  - group: coordination.k8s.io
    resources: [leases]
- level: None
  userGroups:
  - system:serviceaccounts:knative-serving
  - system:serviceaccounts:knative-eventing
  - system:serviceaccounts:istio-system
  namespaces: [knative-serving, knative-eventing, istio-system]
  resources:
  - group: coordination.k8s.io
    resources: [leases]
# What the control plane and the cluster autoscaler note down for themselves.
- level: None
  users:
  - system:cloud-controller-manager
  - system:kube-controller-manager
  - system:kube-scheduler
  - system:serviceaccount:kube-system:endpoint-controller
  verbs: [get, update]
  namespaces: [kube-system]
  resources:
  - group: ""
    resources: [endpoints]
- level: None
  users:
  - cluster-autoscaler
  - system:serviceaccount:kube-system:cluster-autoscaler
  verbs: [get, update]
  namespaces: [kube-system]
  resources:
  - group: ""
    resources: [configmaps, endpoints]
# ConfigMaps that switch protection on and off: what was changed.
- level: Request
  verbs: [update, patch]
  namespaces: [knative-serving, knative-eventing, istio-system]
  resources:
  - group: ""
    resources: [configmaps]
    resourceNames:
    - config-deployment
    - config-features
    - config-istio
    - config-network
    - istio
    - istio-sidecar-injector
# Credentials: who and when, never what.
- level: Metadata
  resources:
  - group: ""
    resources: [secrets, configmaps, serviceaccounts/token]
  - group: authentication.k8s.io
    resources: [tokenreviews]
# Rights, admission and the other protection layers: the body shows what was changed.
- level: Request
  verbs: [create, update, patch]
  resources:
  - group: rbac.authorization.k8s.io
  - group: admissionregistration.k8s.io
  - group: apiextensions.k8s.io
  - group: apiregistration.k8s.io
  - group: certificates.k8s.io
  - group: networking.k8s.io
  - group: security.istio.io
  - group: networking.istio.io
  - group: telemetry.istio.io
  - group: extensions.istio.io
  - group: install.istio.io
  - group: sailoperator.io
  - group: serving.knative.dev
  - group: eventing.knative.dev
  - group: messaging.knative.dev
  - group: sources.knative.dev
  - group: flows.knative.dev
  - group: sinks.knative.dev
  - group: networking.internal.knative.dev
  - group: autoscaling.internal.knative.dev
  - group: operator.knative.dev
  - group: policy.sigstore.dev
  - group: kyverno.io
  - group: policies.kyverno.io
  - group: artifact.falcosecurity.dev
  - group: instance.falcosecurity.dev
# Everything else, also of kinds that do not exist yet.
- level: Metadata
"""
