# SPDX-License-Identifier: Apache-2.0
"""Are labels selected as apimachinery selects them?"""

from __future__ import annotations

import pytest

from kguard.inventory.selectors import InvalidSelectorError, match_labels, parse_selector

WEB = {"app": "web", "tier": "fe"}


@pytest.mark.parametrize(
    ("selector", "selects"),
    [
        ({}, True),
        ({"matchLabels": {}}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "be"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "x"]}]}, True),
        ({"matchExpressions": [{"key": "none", "operator": "In", "values": ["x"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "none", "operator": "NotIn", "values": ["x"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "none", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "none", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        (
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["fe"]}],
            },
            False,
        ),
    ],
)
def test_selects(selector, selects):
    assert parse_selector(selector).matches(WEB) is selects


def test_an_absent_selector_is_none_and_an_empty_one_selects_pods_without_labels():
    assert parse_selector(None) is None
    assert parse_selector({}).is_empty
    assert parse_selector({}).matches({})


@pytest.mark.parametrize(
    "selector",
    [
        "app=web",
        {"matchLabels": {"app": 1}},
        {"matchExpressions": [{"key": "app", "operator": "Equals", "values": ["x"]}]},
        {"matchExpressions": [{"key": "app", "operator": "In", "values": []}]},
        {"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["x"]}]},
        {"matchExpressions": [{"key": "app", "operator": "In", "values": [1]}]},
        {"matchExpressions": [{"operator": "Exists"}]},
    ],
)
def test_what_the_api_server_refuses_is_an_error(selector):
    with pytest.raises(InvalidSelectorError):
        parse_selector(selector)


def test_order_of_labels_makes_no_difference():
    assert match_labels({"a": "1", "b": "2"}) == match_labels({"b": "2", "a": "1"})
