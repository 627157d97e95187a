package noprivileged

violation[{"msg": msg}] {
	container := all_containers[_]
	container.securityContext.privileged
	msg := sprintf("container %v is privileged", [container.name])
}

all_containers[c] { c := input.review.object.spec.containers[_] }
all_containers[c] { c := input.review.object.spec.initContainers[_] }
