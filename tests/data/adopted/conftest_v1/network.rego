package network.services

import rego.v1

deny contains msg if {
	input.kind == "Service"
	input.spec.type == "LoadBalancer"
	not internal
	msg := sprintf("Service %s is offered to the internet", [input.metadata.name])
}

internal if input.metadata.annotations["networking.example.com/scope"] == "internal"

warn_ports contains result if {
	input.kind == "Service"
	some port in input.spec.ports
	not port.name
	result := {
		"msg": sprintf("port %d has no name", [port.port]),
		"path": sprintf("ports/%d", [port.port]),
	}
}
