// SPDX-License-Identifier: Apache-2.0

// How does Kyverno name an image, and which patterns match it?
//
// Reads {"image", "pattern"} a line and answers {"unreadable"} or {"name", "matched"} each.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"

	"github.com/kyverno/kyverno/ext/wildcard"
	"github.com/kyverno/kyverno/pkg/config"
	"github.com/kyverno/kyverno/pkg/utils/image"
)

type question struct {
	Image   string `json:"image"`
	Pattern string `json:"pattern"`
}

type answer struct {
	Unreadable bool   `json:"unreadable,omitempty"`
	Name       string `json:"name,omitempty"`
	Matched    bool   `json:"matched,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	out := json.NewEncoder(os.Stdout)
	settings := config.NewDefaultConfiguration(false)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := out.Encode(reply(asked, settings)); err != nil {
			panic(err)
		}
	}
	if err := lines.Err(); err != nil && err != io.EOF {
		panic(err)
	}
}

func reply(asked question, settings config.Configuration) answer {
	found, err := image.GetImageInfo(asked.Image, settings)
	if err != nil {
		return answer{Unreadable: true}
	}
	name := found.String()
	return answer{Name: name, Matched: wildcard.Match(asked.Pattern, name)}
}
