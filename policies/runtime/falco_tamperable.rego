# METADATA
# title: Somebody who need not may change Falco or stop it
# description: |
#   Whoever may edit Falco's DaemonSet, its ConfigMaps or its operator's objects, delete its
#   namespace, run commands in its privileged pods or taint nodes can switch detection off before an
#   attack. Every binding of the input counts, with the default and aggregated roles; where
#   something at admission may refuse all of it, the answer is open. Users and groups that may do
#   anything in the whole cluster are its administrators and are left out; `trusted` names others.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/security/rbac-good-practices/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: tampering
#   no_remedy: "who needs which right is for the owners of the cluster to say: narrow the role, or bind it in other namespaces"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
#   params:
#     trusted: {type: array, default: []}
package kguard.runtime.falco_tamperable

_words := {
	"workload": "change or delete its workload",
	"configuration": "change its configuration or rules",
	"rules": "change its operator's objects",
	"namespace": "delete its namespace",
	"exec": "run commands in its pods",
	"taints": "taint nodes that it then leaves",
}

_many := {"system:authenticated", "system:unauthenticated", "system:serviceaccounts"}

deny contains finding if {
	some entry in input.tampering
	_counts(entry)
	entry.guarded == false
	finding := object.union(_finding(entry), {"severity": _severity(entry)})
}

unknown contains finding if {
	some entry in input.tampering
	_counts(entry)
	entry.guarded == true
	found := _finding(entry)
	message := sprintf("%s, unless admission refuses it", [found.message])
	finding := object.union(found, {"message": message})
}

_counts(entry) if {
	not _trusted(entry)
	not _administrator(entry)
}

_trusted(entry) if entry.subject in input.params["runtime/falco-tamperable"].trusted

_administrator(entry) if {
	entry.total == true
	entry.subject_kind in {"User", "Group"}
	not entry.subject in _many
}

_finding(entry) := {
	"target": entry.ref,
	"path": sprintf("%s/%s", [entry.installation.name, entry.subject]),
	"message": sprintf("%s may tamper with %s: %s", [
		entry.subject, entry.installation.name,
		concat(", ", [_words[means] | some means in entry.means]),
	]),
	"evidence": entry.because,
}

_severity(entry) := "critical" if entry.subject in _many

else := "medium"
