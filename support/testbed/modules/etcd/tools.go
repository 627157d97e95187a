// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names the programs that this module pins, so that `go mod tidy` keeps them.
package tools

import _ "go.etcd.io/etcd/server/v3"
