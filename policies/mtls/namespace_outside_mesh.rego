# METADATA
# title: A namespace serves ports outside of the mesh
# description: |
#   Nothing puts the pods of the namespace into the mesh, so no PeerAuthentication has an effect
#   on them: their ports speak plaintext, whatever the mesh-wide policy says.
# scope: package
# related_resources:
#   - https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/
#   - https://istio.io/latest/docs/ambient/usage/add-workloads/
# schemas:
#   - input: schema.mtls
# custom:
#   severity: medium
#   layer: mtls
#   kind: effect
#   subjects: namespaces
#   remedy: enrol
#   controls: [SOC2-CC6.7, ATTACK-M1041]
#   since: "0.1"
package kguard.mtls.namespace_outside_mesh

deny contains finding if {
	_committed
	some namespace in input.namespaces
	namespace.role == "application"
	namespace.enrolment in {"none", "disabled"}
	count(namespace.outside) > 0
	finding := {
		"target": namespace.ref,
		"path": "",
		"message": sprintf("no proxy in namespace %s for %s: mutual TLS is neither offered nor asked for", [
			namespace.ref.name,
			concat(", ", namespace.outside),
		]),
		"evidence": namespace.because,
	}
}

unknown contains finding if {
	_committed
	some namespace in input.namespaces
	namespace.role == "application"
	namespace.unknown > 0
	finding := {
		"target": namespace.ref,
		"path": "",
		"message": sprintf("whether %s in namespace %s %s in the mesh cannot be told", [
			_undecided(namespace),
			namespace.ref.name,
			_verb(namespace),
		]),
		"evidence": namespace.because,
	}
}

_undecided(namespace) := "the only workload" if namespace.workloads == 1

_undecided(namespace) := sprintf("%d of %d workloads", [namespace.unknown, namespace.workloads]) if {
	namespace.workloads > 1
}

_verb(namespace) := "is" if namespace.unknown == 1

_verb(namespace) := "are" if namespace.unknown > 1

# an application that only ships routes for a mesh does not say that it must be in one
_committed if input.scope == "cluster"

_committed if input.mesh.sign in {"policy", "enrolment"}
