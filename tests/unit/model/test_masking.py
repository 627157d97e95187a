# SPDX-License-Identifier: Apache-2.0
"""What of an object is masked before it is stored, and what must stay for the facts?"""

from __future__ import annotations

import pytest

from kguard.model.masking import HIDDEN, masked

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgres://app:hunter2@db:5432/app", f"postgres://{HIDDEN}@db:5432/app"),
        ("--password=hunter2", f"--password={HIDDEN}"),
        ("db:\n  password: hunter2\n  host: db", f"db:\n  password: {HIDDEN}\n  host: db"),
        ('{"a": 1, "token":"hunter2"}', f'{{"a": 1, "token":"{HIDDEN}"}}'),
        ("auth: {user: app, password: hunter2}", f"auth: {{user: app, password: {HIDDEN}}}"),
        ("exec app --db-password=hunter2 -v", f"exec app --db-password={HIDDEN} -v"),
        ('{\n "token": "hunter2",\n "a": 1}', f'{{\n "token": "{HIDDEN}",\n "a": 1}}'),
        ("Authorization: Bearer hunter2hunter2", f"Authorization: Bearer {HIDDEN}"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nrest",
            f"{HIDDEN}\nrest",
        ),
        ("-----BEGIN PRIVATE KEY-----\nhunter2", HIDDEN),
    ],
)
def test_texts(text, kept):
    assert masked({"data": {"text": text}}) == {"data": {"text": kept}}


@pytest.mark.parametrize(
    "text",
    [
        "secretName: web-tls",
        "private_key: /etc/falco/certs/client.key",
        "token: $(TOKEN)",
        "password: true",
        "tokenReview:\n  enabled: true",
        "imagePullSecrets:\n- name: pull",
        CERTIFICATE,
        "http://db.shop:8080/path",
    ],
)
def test_what_is_no_secret_stays(text):
    assert masked({"data": {"text": text}}) == {"data": {"text": text}}


def test_an_environment_variable_is_named_by_its_neighbour():
    item = {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "DB", "value": "db"}]}
    kept = {"env": [{"name": "DB_PASSWORD", "value": HIDDEN}, {"name": "DB", "value": "db"}]}
    assert masked(item) == kept


def test_a_key_of_a_config_map_names_its_value():
    assert masked({"data": {"db.password": "hunter2", "db.host": "db"}}) == {
        "data": {"db.password": HIDDEN, "db.host": "db"}
    }


def test_references_to_secrets_stay():
    item = {"valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}
    assert masked(item) == item


def test_the_object_itself_is_not_changed():
    item = {"data": {"password": "hunter2"}}
    masked(item)
    assert item == {"data": {"password": "hunter2"}}
