// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names the programs that this module pins.
//
// Every k8s.io/X that k8s.io/kubernetes requires at v0.0.0 has one replace line in go.mod. To move
// to another version, set it there and run `go build -mod=mod -o /dev/null PACKAGE` for each
// program below (not `go mod tidy`, which would pull in the tests of every dependency).
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
