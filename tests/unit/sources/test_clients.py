# SPDX-License-Identifier: Apache-2.0
"""Which kubeconfig is read when nobody names one?"""

from __future__ import annotations

import yaml

from kguard.sources.cluster import clients


def _kubeconfig(path, name):
    path.parent.mkdir(exist_ok=True)
    context = {"name": name, "context": {"cluster": name, "user": name}}
    cluster = {"name": name, "cluster": {"server": "https://127.0.0.1:1"}}
    whole = {"contexts": [context], "clusters": [cluster], "users": [{"name": name, "user": {}}]}
    path.write_text(yaml.safe_dump({**whole, "current-context": name}))
    return str(path)


def test_the_variable_counts_whenever_it_is_set(tmp_path, monkeypatch):
    """Whatever it was when the client was imported."""
    for name in ("first", "second"):
        monkeypatch.setenv("KUBECONFIG", _kubeconfig(tmp_path / name, name))
        assert list(clients.contexts("")) == [name]
        assert clients.current() == name


def test_an_empty_variable_is_none(tmp_path, monkeypatch):
    _kubeconfig(tmp_path / ".kube" / "config", "home")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", "")
    assert list(clients.contexts("")) == ["home"]
    assert clients.client_of("home").configuration.host == "https://127.0.0.1:1"
