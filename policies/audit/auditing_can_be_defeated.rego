# METADATA
# title: A right reaches what auditing hangs on
# description: |
#   No right edits the audit policy on a node, but some lead there: pods beside the control
#   plane, the kubelets, commands in the API server's pod, or the objects from which an operator
#   writes the server's flags. Who holds one can hide, or switch recording off.
# scope: package
# related_resources:
#   - https://kubernetes.io/docs/concepts/security/rbac-good-practices/
# schemas:
#   - input: schema.audit
# custom:
#   severity: medium
#   layer: audit
#   kind: effect
#   subjects: defeats
#   no_remedy: "whether somebody needs the right only the operator knows"
#   controls: [SOC2-CC6.1, ATTACK-T1562]
#   since: "0.1"
package kguard.audit.auditing_can_be_defeated

deny contains finding if {
	input.presence == "present"
	some defeat in input.defeats
	finding := {
		"target": defeat.ref,
		"path": sprintf("%s: %s", [defeat.subject, defeat.route]),
		"message": defeat.text,
		"severity": _severity(defeat),
		"evidence": defeat.because,
	}
}

_severity(defeat) := "medium" if not _wide(defeat)

_severity(defeat) := "high" if _wide(defeat)

_wide(defeat) if startswith(defeat.subject, "system:")
