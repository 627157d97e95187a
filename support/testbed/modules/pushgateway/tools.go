// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names the program that this module pins: the module proxy lists no versions of it,
// so that `go install` refuses it.
package tools

import (
	_ "github.com/prometheus/pushgateway"
)
