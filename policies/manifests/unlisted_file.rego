# METADATA
# title: Object beside a kustomization that does not list it
# description: |
#   kubectl apply -k, Argo CD and Flux apply what a kustomization lists and nothing else that lies in its folder.
#   Whether something else applies the file cannot be told. The object is judged as if it were applied; where it
#   is a protection, what it protects may be open, and that is unknown.
# scope: package
# related_resources:
#   - https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/resource/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: low
#   layer: manifests
#   kind: effect
#   subjects: unlisted
#   no_remedy: "only the author knows whether something else applies it"
#   since: "0.1"
package kguard.manifests.unlisted_file

deny contains finding if {
	some object in input.unlisted
	object.weight == "other"
	finding := {
		"target": object.ref,
		"path": "",
		"message": sprintf("%s is judged, but %s does not list its file", [object.subject, object.kustomization]),
		"evidence": object.because,
	}
}

unknown contains finding if {
	some object in input.unlisted
	object.weight == "security"
	finding := {
		"target": object.ref,
		"path": "",
		"message": sprintf("whether %s is applied is not known: %s does not list its file", [object.subject, object.kustomization]),
		"evidence": object.because,
		"severity": "high",
	}
}
