# METADATA
# title: A mirror decides which image a registry's tag names
# description: |
#   Nodes ask this host instead of the registry that the image names, also for the digest behind a
#   tag. Whoever runs the mirror chooses the bytes of every image that is not pinned. Signatures
#   must be checked under the original name, and pinned images are safe from it.
# scope: package
# related_resources:
#   - https://github.com/containerd/containerd/blob/main/docs/hosts.md
# schemas:
#   - input: schema.images
# custom:
#   severity: medium
#   layer: images
#   kind: effect
#   subjects: mirrors
#   no_remedy: "the file lies on the nodes: take `resolve` from the mirror's capabilities in hosts.toml, or pin the images"
#   since: "0.1"
package kguard.images.mirror_answers_for_other_registry

deny contains finding if {
	some mirror in input.mirrors
	mirror.same_registry == "false"
	mirror.resolves == "true"
	mirror.encrypted == "true"
	finding := _finding(mirror, "%s answers for %s and says what a tag names there (%s)", "medium")
}

deny contains finding if {
	some mirror in input.mirrors
	mirror.same_registry == "false"
	mirror.resolves == "true"
	mirror.encrypted == "false"
	finding := _finding(mirror, "%s answers for %s without verified TLS (%s)", "high")
}

_finding(mirror, format, severity) := {
	"target": mirror.ref,
	"path": sprintf("%s/%s", [mirror.registry, mirror.host]),
	"message": sprintf(format, [mirror.host, mirror.registry, _named_by_tag(mirror.unpinned)]),
	"evidence": mirror.because,
	"severity": severity,
}

_named_by_tag(1) := "1 image of the input is named by tag"

_named_by_tag(count) := sprintf("%d images of the input are named by tag", [count]) if count != 1
