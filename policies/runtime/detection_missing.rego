# METADATA
# title: A common attack would go unnoticed
# description: |
#   Attacks are written as events, not as names of rules: a shell in a container, a dropped binary,
#   an escape, and so on. For each that is required, some rule in force must match the event; so for
#   the events that you add in `runtime.scenarios` of kguard.yaml. Rules that come with Falco but are
#   not in the input cannot be judged.
# scope: package
# related_resources:
#   - https://attack.mitre.org/matrices/enterprise/containers/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: medium
#   layer: runtime
#   kind: effect
#   subjects: detections
#   remedy: add_rules
#   controls: [SOC2-CC7.2, ATTACK-T1562, ATTACK-T1611, ATTACK-T1609]
#   since: "0.1"
#   params:
#     required: {type: array, default: [D1, D2, D3, D4, D5, D6, D7, D11]}
package kguard.runtime.detection_missing

_required := {id | some id in input.params["runtime/detection-missing"].required}

_installations := {found.installation | some found in input.detections}

deny contains finding if {
	some owner in _installations
	missing := _those(owner, {"silent", "hidden"})
	count(missing) > 0
	finding := {
		"target": owner,
		"path": "",
		"message": sprintf("%d of %d required attacks would go unnoticed: %s", [
			count(missing), count(_those(owner, {"fires", "silent", "hidden", "unknown"})), concat(", ", missing),
		]),
		"evidence": array.concat(_place(owner), _why(owner)),
	}
}

unknown contains finding if {
	some owner in _installations
	unsure := _those(owner, {"unknown"})
	count(unsure) > 0
	finding := {
		"target": owner,
		"path": "",
		"message": sprintf("cannot tell whether %s would be noticed: not all rules that Falco loads are known", [_attacks(count(unsure))]),
		"evidence": array.concat(_place(owner), _reasons(owner)),
	}
}

_those(owner, states) := [text |
	some found in input.detections
	found.installation == owner
	_is_required(found)
	found.state in states
	text := sprintf("%s (%s)%s", [found.title, found.id, _where(found)])
]

_where(found) := "" if count(found.nodes) == 0

else := sprintf(" on %s", [concat(", ", array.slice(found.nodes, 0, 3))])

_is_required(found) if found.id in _required

_is_required(found) if found.asked

_why(owner) := steps if {
	steps := [step |
		some found in input.detections
		found.installation == owner
		_is_required(found)
		found.state in {"silent", "hidden"}
		some step in found.because
	]
	count(steps) > 0
} else := [{"note": "no rule in force matches their events"}]

_place(owner) := [step |
	some falco in input.installations
	falco.ref == owner
	some step in falco.because
]

_reasons(owner) := [step |
	some falco in input.installations
	falco.ref == owner
	some step in falco.reasons
]

_attacks(1) := "a required attack"

_attacks(count) := sprintf("%d required attacks", [count]) if count != 1
