// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names the program that this module pins: the API server three minors back, for
// `make conformance-full`. The module kubernetes says how to move to another version.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
