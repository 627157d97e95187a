# METADATA
# title: The driver is of another release than Falco
# description: |
#   Falco and its driver speak a protocol that changes with releases; Falco 0.44 cannot use a driver
#   that the loader of 0.43 brings. Falco then starts, finds no driver that fits, and ends.
# scope: package
# related_resources:
#   - https://falco.org/docs/concepts/event-sources/kernel/
# schemas:
#   - input: schema.runtime
# custom:
#   severity: high
#   layer: runtime
#   kind: effect
#   subjects: drivers
#   no_remedy: "which of the two versions is meant to run is known to the owner of the manifests"
#   controls: [SOC2-CC7.2]
#   since: "0.1"
package kguard.runtime.driver_of_another_release

deny contains finding if {
	some driver in input.drivers
	driver.state == "differs"
	finding := _finding(driver, sprintf("the driver of %s is loaded by release %s", [
		driver.installation.name, driver.version,
	]))
}

unknown contains finding if {
	some driver in input.drivers
	driver.state == "unknown"
	finding := _finding(driver, sprintf("cannot tell whether the driver of %s is of its release", [
		driver.installation.name,
	]))
}

_finding(driver, message) := {
	"target": driver.installation,
	"path": "",
	"message": message,
	"evidence": driver.because,
}
