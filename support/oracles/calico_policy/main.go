// SPDX-License-Identifier: Apache-2.0

// What does Calico decide about connections?
//
// Reads one cluster a line, {"objects": [...], "tiers": [...], "asked": [[from, to, protocol,
// port], ...]}, and answers {"refused": [...], "verdicts": [[egress, ingress], ...]}. An end is
// the address of a pod or any other. Calico's own code validates the policies, converts objects of
// Kubernetes, chooses and sorts policies, fills IP sets and renders iptables rules; ours reads
// those rules for one packet (tables.go), and asks tier after tier, which this version of Calico
// does not know: policies of a tier are rendered as if they were alone.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"

	log "github.com/sirupsen/logrus"
)

type tier struct {
	Name          string `json:"name"`
	DefaultAction string `json:"defaultAction"`
}

type question struct {
	Objects []json.RawMessage `json:"objects"`
	Tiers   []tier            `json:"tiers"`
	Asked   [][4]string       `json:"asked"`
}

type answer struct {
	Refused  []string  `json:"refused"`
	Verdicts [][2]bool `json:"verdicts"`
}

func main() {
	log.SetOutput(io.Discard)
	log.SetLevel(log.PanicLevel)
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
	found := newCluster()
	for _, object := range asked.Objects {
		found.add(object)
	}
	found.render()
	verdicts := make([][2]bool, 0, len(asked.Asked))
	for _, connection := range asked.Asked {
		packet := newPacket(connection)
		verdicts = append(verdicts, [2]bool{
			found.passes("egress", packet.source.String(), packet, asked.Tiers),
			found.passes("ingress", packet.target.String(), packet, asked.Tiers),
		})
	}
	return answer{Refused: found.refused, Verdicts: verdicts}
}
