// SPDX-License-Identifier: Apache-2.0

// Which of these label sets does a selector select, as Calico's own parser reads it?
//
// Reads one question a line, {"selector": ..., "labels": [{...}, ...]}, and answers
// {"accepted": ..., "selected": [...]}.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/projectcalico/calico/libcalico-go/lib/selector"
)

type question struct {
	Selector string              `json:"selector"`
	Labels   []map[string]string `json:"labels"`
}

type answer struct {
	Accepted bool   `json:"accepted"`
	Selected []bool `json:"selected"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := out.Encode(decide(asked)); err != nil {
			panic(err)
		}
	}
}

func decide(asked question) answer {
	parsed, err := selector.Parse(asked.Selector)
	if err != nil {
		return answer{Selected: []bool{}}
	}
	selected := make([]bool, 0, len(asked.Labels))
	for _, labels := range asked.Labels {
		selected = append(selected, parsed.Evaluate(labels))
	}
	return answer{Accepted: true, Selected: selected}
}
