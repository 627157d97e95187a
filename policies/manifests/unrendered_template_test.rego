package kguard.manifests.unrendered_template_test

import data.kguard.manifests.unrendered_template as policy

test_deny_a_template if {
	template := {"ref": {"kind": "File", "name": "web.yaml"}, "subject": "File web.yaml", "detail": "the file is a template", "because": []}
	findings := policy.deny with input as {"templates": [template]}
	findings == {{
		"target": {"kind": "File", "name": "web.yaml"},
		"path": "",
		"message": "File web.yaml holds template actions that were not rendered: the file is a template",
		"evidence": [],
	}}
}

test_allow_none if {
	findings := policy.deny with input as {"templates": []}
	findings == set()
}
