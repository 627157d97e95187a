package shared.kinds

workload {
	any([true | input.kind == "Deployment"; true])
}

workload {
	input.kind == "StatefulSet"
}

containers[container] {
	workload
	container := input.spec.template.spec.containers[_]
}
