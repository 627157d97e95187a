# METADATA
# title: Falco runs with other rules than the ones that are written
# description: |
#   A running Falco tells the SHA-256 of every rules file that it has loaded. Where that is not the
#   file that its ConfigMap, its objects or the user's `--falco-rules` hold, the rules that were
#   reviewed are not the rules that watch: Falco has not read them again, or somebody changed them
#   in the pod.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/metrics/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: high
#   layer: runtime
#   kind: effect
#   subjects: loaded_files
#   no_remedy: "whether the running file or the written one is right is known to its owner; restart Falco where it has not read the file"
#   controls: [SOC2-CC7.2, ATTACK-T1562]
#   since: "0.1"
package kguard.runtime.rules_not_as_written

deny contains finding if {
	some file in input.loaded_files
	file.state in {"differs", "not_loaded"}
	finding := {
		"target": file.installation,
		"path": sprintf("%s/%s", [_pod(file), file.file]),
		"message": sprintf("%s %s", [_who(file), _what(file)]),
		"evidence": file.because,
	}
}

_pod(file) := "running" if file.pod == ""

else := file.pod

_who(file) := "the running Falco" if file.pod == ""

else := sprintf("Falco in the pod %s", [file.pod])

_what(file) := sprintf("has loaded another %s than the one that is written", [file.file]) if {
	file.state == "differs"
} else := sprintf("has not loaded %s", [file.file])
