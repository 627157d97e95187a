// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/projectcalico/calico/felix/iptables"
	"github.com/projectcalico/calico/felix/rules"
)

const (
	acceptMark uint32 = 0x1
	passMark   uint32 = 0x2
)

var numbers = map[string]string{"tcp": "6", "udp": "17", "sctp": "132", "icmp": "1", "ipv6-icmp": "58", "icmpv6": "58", "udplite": "136"}

// packet is the first of a new connection.
type packet struct {
	source, target netip.Addr
	protocol       string // as a number
	port           int
}

func newPacket(asked [4]string) packet {
	return packet{
		source:   netip.MustParseAddr(asked[0]),
		target:   netip.MustParseAddr(asked[1]),
		protocol: numbers[strings.ToLower(asked[2])],
		port:     must(strconv.Atoi(asked[3])),
	}
}

type outcome int

const (
	accepted  outcome = iota
	denied            // by a rule of a policy
	unmatched         // no rule of any policy of the endpoint matched
	passed            // a rule with the action Pass matched
)

// walk sends a packet through the chain of an endpoint, with some policies or some profiles.
func (c *cluster) walk(direction string, policies, profiles []string, packet packet) outcome {
	way := rules.PolicyDirectionInbound
	if direction == "egress" {
		way = rules.PolicyDirectionOutbound
	}
	groups := []*rules.PolicyGroup{}
	for _, name := range policies {
		groups = append(groups, &rules.PolicyGroup{Direction: way, PolicyNames: []string{name}})
	}
	in, out := groups, groups
	chains := c.renderer.WorkloadEndpointToIptablesChains("cali1", nil, true, in, out, profiles)
	chain := chains[0]
	if direction == "egress" {
		chain = chains[1]
	}
	walker := &walker{cluster: c, packet: packet}
	walker.chain(chain)
	return walker.outcome()
}

// walker is a packet on its way through chains.
type walker struct {
	cluster *cluster
	packet  packet
	mark    uint32
	drop    *iptables.Rule
}

func (w *walker) outcome() outcome {
	switch {
	case w.drop == nil && w.mark&acceptMark != 0:
		return accepted
	case w.drop == nil:
		panic("a packet left the chain of an endpoint without a verdict")
	case slices.Contains(w.drop.Comment, "Drop if no policies passed packet"):
		return unmatched
	case slices.Contains(w.drop.Comment, "Drop if no profiles matched"):
		return passed
	}
	return denied
}

// chain follows a chain to its end, to a return, or to a drop.
func (w *walker) chain(chain *iptables.Chain) {
	for index := range chain.Rules {
		rule := &chain.Rules[index]
		if rule.Action == nil || !w.matches(rule.Match) {
			continue
		}
		switch action := rule.Action.(type) {
		case iptables.JumpAction:
			next := w.cluster.chains[action.Target]
			if next == nil {
				panic("no chain " + action.Target)
			}
			w.chain(next)
		case iptables.ReturnAction:
			return
		case iptables.DropAction:
			w.drop = rule
		case iptables.LogAction:
		case iptables.ClearMarkAction:
			w.mark &^= action.Mark
		case iptables.SetMarkAction:
			w.mark |= action.Mark
		case iptables.SetMaskedMarkAction:
			w.mark = w.mark&^action.Mask | action.Mark
		default:
			panic(fmt.Sprintf("an action that is not read: %s", rule.Action))
		}
		if w.drop != nil {
			return
		}
	}
}

func (w *walker) matches(criteria iptables.MatchCriteria) bool {
	for _, text := range criteria {
		words := strings.Fields(text)
		wanted := true
		if at := slices.Index(words, "!"); at >= 0 {
			words, wanted = slices.Delete(words, at, at+1), false
		}
		if w.holds(words) != wanted {
			return false
		}
	}
	return true
}

// holds reads one condition of a rule, without its negation.
func (w *walker) holds(words []string) bool {
	last := words[len(words)-1]
	switch words[0] {
	case "-p":
		return last == w.packet.protocol || numbers[last] == w.packet.protocol
	case "--source":
		return contains(last, w.packet.source)
	case "--destination":
		return contains(last, w.packet.target)
	}
	switch words[1] {
	case "conntrack":
		return false // the packet opens a new connection
	case "mark":
		value, mask, _ := strings.Cut(last, "/")
		return w.mark&bits(mask) == bits(value)
	case "multiport":
		return words[2] == "--destination-ports" && w.portIn(last)
	case "icmp", "icmp6":
		return false
	case "set":
		return w.inSet(words[3], last)
	}
	panic("a condition that is not read: " + strings.Join(words, " "))
}

func (w *walker) portIn(list string) bool {
	for _, entry := range strings.Split(list, ",") {
		low, high, isRange := strings.Cut(entry, ":")
		if !isRange {
			high = low
		}
		if must(strconv.Atoi(low)) <= w.packet.port && w.packet.port <= must(strconv.Atoi(high)) {
			return true
		}
	}
	return false
}

// inSet tells whether the packet's address, or its address and port, is a member of an IP set.
func (w *walker) inSet(name, side string) bool {
	address := w.packet.source
	if strings.HasPrefix(side, "dst") {
		address = w.packet.target
	}
	for _, member := range w.cluster.sets[name] {
		network, rest, hasPort := strings.Cut(member, ",")
		if !contains(network, address) {
			continue
		}
		if !hasPort {
			return true
		}
		protocol, port, _ := strings.Cut(rest, ":")
		if side == "dst,dst" && numbers[protocol] == w.packet.protocol && port == strconv.Itoa(w.packet.port) {
			return true
		}
	}
	return false
}

func contains(network string, address netip.Addr) bool {
	if !strings.Contains(network, "/") {
		return netip.MustParseAddr(network) == address
	}
	return netip.MustParsePrefix(network).Masked().Contains(address)
}

func bits(text string) uint32 {
	return uint32(must(strconv.ParseUint(text, 0, 32)))
}
