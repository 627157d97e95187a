# Rules in the old syntax, as teams have kept them for years.
package main

import data.shared.kinds

name = input.metadata.name

deny[msg] {
	kinds.workload
	not input.spec.template.spec.securityContext.runAsNonRoot
	msg := sprintf("%s %s may run as root", [input.kind, name])
}

deny_latest[msg] {
	container := kinds.containers[_]
	endswith(container.image, ":latest")
	msg = sprintf("container %s of %s takes whatever is latest", [container.name, name])
}

violation[{"msg": msg, "details": {"missing": missing}}] {
	kinds.workload
	wanted := {"owner", "tier"}
	given := {label | input.metadata.labels[label]}
	missing := wanted - given
	count(missing) > 0
	msg := sprintf("%s lacks labels: %s", [name, concat(", ", sort(missing))])
}

warn[msg] {
	kinds.workload
	input.spec.replicas == 1
	msg := "one replica only {"
}

exception[rules] {
	input.metadata.annotations["example.com/pinned-by"] == "renovate"
	rules := ["latest"]
}
