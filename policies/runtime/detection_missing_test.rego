package kguard.runtime.detection_missing_test

import data.kguard.runtime.detection_missing as policy

_falco := {"kind": "DaemonSet", "namespace": "falco", "name": "falco"}

_found(id, state) := {
	"installation": _falco,
	"id": id,
	"title": "an attack",
	"asked": false,
	"because": [],
	"state": state,
	"rule": "",
	"priority": "",
	"nodes": [],
}

_facts(detections) := {
	"detections": detections,
	"installations": [{
		"ref": _falco,
		"because": [{"note": "Falco runs here"}],
		"reasons": [{"note": "rules elsewhere"}],
	}],
	"params": {"runtime/detection-missing": {"required": ["D1", "D2"]}},
}

test_deny_missing if {
	facts := _facts([_found("D1", "silent"), _found("D2", "hidden"), _found("D8", "silent")])
	findings := policy.deny with input as facts
	findings == {{
		"target": _falco,
		"path": "",
		"message": "2 of 2 required attacks would go unnoticed: an attack (D1), an attack (D2)",
		"evidence": [{"note": "Falco runs here"}, {"note": "no rule in force matches their events"}],
	}}
}

test_deny_what_the_user_asks_for_with_its_cause if {
	step := {"note": "overrides the macro container"}
	asked := object.union(_found("mine", "silent"), {"asked": true, "because": [step]})
	findings := policy.deny with input as _facts([_found("D1", "fires"), asked])
	findings == {{
		"target": _falco,
		"path": "",
		"message": "1 of 2 required attacks would go unnoticed: an attack (mine)",
		"evidence": [{"note": "Falco runs here"}, step],
	}}
}

test_allow_all_fire if {
	facts := _facts([_found("D1", "fires"), _found("D2", "fires"), _found("D8", "silent")])
	denied := policy.deny with input as facts
	unsure := policy.unknown with input as facts
	count(denied | unsure) == 0
}

test_unknown_rules if {
	findings := policy.unknown with input as _facts([_found("D1", "unknown")])
	findings == {{
		"target": _falco,
		"path": "",
		"message": "cannot tell whether a required attack would be noticed: not all rules that Falco loads are known",
		"evidence": [{"note": "Falco runs here"}, {"note": "rules elsewhere"}],
	}}
}

test_deny_says_where if {
	found := object.union(_found("D1", "silent"), {"nodes": ["gpu-1"]})
	some finding in policy.deny with input as _facts([found, _found("D2", "fires")])
	finding.message == "1 of 2 required attacks would go unnoticed: an attack (D1) on gpu-1"
}
