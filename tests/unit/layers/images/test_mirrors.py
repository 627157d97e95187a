# SPDX-License-Identifier: Apache-2.0
"""Is containerd's configuration read as containerd reads it?"""

from __future__ import annotations

import pytest

from kguard.layers.images.semantics.mirrors import read_mirrors
from kguard.layers.images.semantics.references import parse_reference

OLD = """
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
endpoint = ["https://registry-mirror.example.com"]
"""


def test_the_deprecated_form():
    (mirror,) = read_mirrors("config.toml", OLD)
    assert (mirror.registry, mirror.host, mirror.line) == (
        "docker.io",
        "registry-mirror.example.com",
        3,
    )
    assert mirror.is_other
    assert mirror.resolves
    assert mirror.answers_for(parse_reference("nginx"))
    assert not mirror.answers_for(parse_reference("ghcr.io/acme/shop"))
    assert "without `version = 2`" in mirror.note


def test_version_2_is_read_by_every_containerd():
    (mirror,) = read_mirrors("config.toml", "version = 2\n" + OLD)
    assert "version" not in mirror.note


def test_hosts_toml():
    content = '[host."http://mirror:5000"]\ncapabilities = ["pull"]\n'
    (mirror,) = read_mirrors("/etc/containerd/certs.d/docker.io/hosts.toml", content)
    assert (mirror.registry, mirror.host) == ("docker.io", "mirror:5000")
    assert not mirror.resolves
    assert not mirror.encrypted


@pytest.mark.parametrize(
    ("folder", "registry"),
    [("_default", "*"), ("registry.example.com_5000_", "registry.example.com:5000")],
)
def test_folders_name_registries(folder, registry):
    (mirror,) = read_mirrors(f"certs.d/{folder}/hosts.toml", '[host."https://m"]\n')
    assert mirror.registry == registry
    assert mirror.resolves


@pytest.mark.parametrize(
    "content",
    [
        "",
        "plugins = 7",
        "[tool.ruff]\nx = 1",
        "[plugins.cri.registry.mirrors]\nx = 7",
        "[plugins.cri.registry.mirrors.x]\nendpoint = [7, {}]",
        "[plugins.cri]\nregistry = 7",
        "host = 7",
    ],
)
def test_other_files_have_no_mirrors(content):
    assert not read_mirrors("config.toml", content)


@pytest.mark.parametrize("content", ["[", "x = " + "[" * 100_000])
def test_broken_toml_is_an_error(content):
    with pytest.raises(ValueError):
        read_mirrors("config.toml", content)
