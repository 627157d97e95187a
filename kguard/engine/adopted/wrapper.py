# SPDX-License-Identifier: Apache-2.0
"""How does a rule of conftest or Gatekeeper become a policy of kguard?

By a few lines of Rego that call it for each object and put its results into the shape of a
finding: no engine has to know of it.

Authority: open-policy-agent/conftest policy/engine.go (`removeRulePrefix`: an exception names a
rule without `deny_`, `violation_` or `warn_`).
"""

from __future__ import annotations

import json

_CONFTEST = """
deny contains finding if {{
	some place, subject in input.subjects
	_wanted(place)
	document := subject.object
{unless}	results := data.{package}.{rule} with input as document
	some result in results
	finding := _finding(subject, result)
}}
"""
_EXCEPTION = """
_excepted(document) if {{
	exceptions := data.{package}.exception with input as document
	some names in exceptions
	some name in names
	name == {name}
}}
"""
_GATEKEEPER = """
deny contains finding if {{
	constraint := input.constraints[{id}]
	inventory := input.inventory
	some place in constraint.matched
	_wanted(place)
	subject := input.subjects[place]
	review := {{
		"review": {{
			"uid": "",
			"operation": "CREATE",
			"kind": subject.kind,
			"name": subject.ref.name,
			"namespace": subject.ref.namespace,
			"object": object.get(subject, "placed", subject.object),
		}},
		"parameters": constraint.parameters,
	}}
	results := data.{package}.{rule} with input as review with data.inventory as inventory
	some result in results
	finding := _finding(subject, result)
}}

unknown contains finding if {{
	some doubt in input.constraints[{id}].undecided
	_wanted(doubt.place)
	subject := input.subjects[doubt.place]
	finding := {{
		"target": subject.ref,
		"path": "match",
		"message": sprintf("whether %s applies is unknown: %s", [{name}, doubt.reason]),
		"evidence": [{{"ref": subject.id}}],
	}}
}}
"""
_FINDING = """
_wanted(place) if {
	input.range[0] <= place
	place < input.range[1]
}

_finding(subject, result) := {
	"target": subject.ref,
	"path": _path(result),
	"message": _message(result),
	"evidence": [{"ref": subject.id, "note": _note(result)}],
}

_path(result) := result.path if {
	is_string(result.path)
} else := _message(result)

_message(result) := result if {
	is_string(result)
} else := object.get(result, "msg", null) if {
	is_object(result)
} else := null

_note(result) := json.marshal(result.details) if {
	is_object(result.details)
	count(result.details) > 0
} else := ""
"""
"""A result without a message gives a finding without one, which is an error of the policy."""


def for_conftest(name: str, package: str, rule: str, *, exceptions: bool) -> str:
    """The policy of a rule whose input is one object.

    Args:
        name: of the policy's package, a Rego name.
        package: of the rule.
        rule: its name.
        exceptions: whether the package has a rule `exception`.
    """
    unless = "\tnot _excepted(document)\n" if exceptions else ""
    text = _CONFTEST.format(package=package, rule=rule, unless=unless)
    if exceptions:
        short = rule.partition("_")[2] or rule
        text += _EXCEPTION.format(package=package, name=json.dumps(short))
    return f"package {name}\n{text}{_FINDING}"


def for_gatekeeper(name: str, package: str, rule: str, *, policy: str, title: str) -> str:
    """The policy of a rule whose input is a review.

    Args:
        name: of the policy's package, a Rego name.
        package: of the rule.
        rule: its name.
        policy: the policy's id, by which the document holds its constraint.
        title: what messages call the constraint.
    """
    text = _GATEKEEPER.format(
        package=package, rule=rule, id=json.dumps(policy), name=json.dumps(title)
    )
    return f"package {name}\n{text}{_FINDING}"
