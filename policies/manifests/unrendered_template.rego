# METADATA
# title: Template that nobody rendered
# description: |
#   The input is not what the deployer will send: nothing in it was judged. Scan the rendered output, or name the
#   chart so that kguard renders it.
# scope: package
# related_resources:
#   - https://helm.sh/docs/helm/helm_template/
# schemas:
#   - input: schema.manifests
# custom:
#   severity: medium
#   layer: manifests
#   kind: posture
#   subjects: templates
#   no_remedy: "the chart and its values decide what is deployed"
#   since: "0.1"
package kguard.manifests.unrendered_template

deny contains finding if {
	some template in input.templates
	finding := {
		"target": template.ref,
		"path": "",
		"message": sprintf("%s holds template actions that were not rendered: %s", [template.subject, template.detail]),
		"evidence": template.because,
	}
}
