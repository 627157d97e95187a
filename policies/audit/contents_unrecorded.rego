# METADATA
# title: What was changed is not recorded
# description: |
#   For grants of rights, admission, image policies and the objects of Istio, Knative and Falco
#   the name of the object says little: only the request's body (level Request) shows that a
#   role became cluster-admin or that mutual TLS became PERMISSIVE.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
# schemas:
#   - input: schema.audit
# custom:
#   severity: medium
#   layer: audit
#   kind: effect
#   subjects: policies
#   remedy: mend_policy
#   controls: [CIS-3.2.2, SOC2-CC7.1]
#   since: "0.1"
package kguard.audit.contents_unrecorded

deny contains finding if {
	some policy in input.policies
	thin := _thin(policy)
	count(thin) > 0
	titles := concat("; ", [family.title | some family in thin])
	finding := {
		"target": policy.ref,
		"path": "",
		"message": sprintf("recorded without what was changed: %s", [titles]),
		"evidence": [step | some family in thin; some hole in _thin_holes(family); some step in hole.because],
	}
}

_thin(policy) := [family |
	some family in policy.families
	family.floor in {"Request", "RequestResponse"}
	family.in_use == "true"
	count(_thin_holes(family)) > 0
]

_thin_holes(family) := [hole | some hole in family.holes; hole.level in {"Metadata", "Request"}]
