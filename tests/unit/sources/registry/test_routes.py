# SPDX-License-Identifier: Apache-2.0
"""Are mirrors asked in the place, the order and for the things that the files say?"""

from __future__ import annotations

import pytest

from kguard.sources.registry.node_files import NodeFileError, read_node_files
from kguard.sources.registry.routes import routes, signature_repository
from kguard.sources.registry.settings import Location, Mirror, Settings

SHOP = ("registry.example.com", "shop/cart")


def urls(settings, registry, repository):
    return [route.of("manifests/1") for route in routes(settings, registry, repository)]


def mirror(prefix, *places, **more):
    return Mirror(prefix, tuple(map(Location, places)), **more)


def test_without_mirrors_the_registry_itself():
    assert urls(Settings(), *SHOP) == ["https://registry.example.com/v2/shop/cart/manifests/1"]


@pytest.mark.parametrize(
    ("prefix", "place", "url"),
    [
        ("registry.example.com", "m.test", "https://m.test/v2/shop/cart/manifests/1"),
        ("registry.example.com", "m.test/a/b", "https://m.test/v2/a/b/shop/cart/manifests/1"),
        ("registry.example.com/shop", "m.test/x", "https://m.test/v2/x/cart/manifests/1"),
        ("registry.example.com/shop/cart", "m.test/x", "https://m.test/v2/x/manifests/1"),
        ("*.example.com", "m.test/x", "https://m.test/v2/x/shop/cart/manifests/1"),
        ("*", "m.test/x", "https://m.test/v2/x/shop/cart/manifests/1"),
    ],
)
def test_a_prefix_is_replaced(prefix, place, url):
    settings = Settings(mirrors=(mirror(prefix, place),))
    own = "https://registry.example.com/v2/shop/cart/manifests/1"
    assert urls(settings, *SHOP) == [url, own]


@pytest.mark.parametrize(
    "prefix", ["registry.example.com/sho", "example.com", "registry.example.com:5000", "*.test"]
)
def test_a_prefix_that_does_not_fit(prefix):
    assert len(urls(Settings(mirrors=(mirror(prefix, "m.test"),)), *SHOP)) == 1


def test_only_the_longest_prefix_counts():
    found = Settings(
        mirrors=(
            mirror("*", "any.test"),
            mirror("registry.example.com", "short.test"),
            mirror("registry.example.com/shop", "long.test", itself=False),
        )
    )
    assert urls(found, *SHOP) == ["https://long.test/v2/cart/manifests/1"]


def test_docker_hub_has_several_names():
    found = Settings(mirrors=(mirror("docker.io", "m.test/hub"),))
    assert urls(found, "index.docker.io", "library/redis") == [
        "https://m.test/v2/hub/library/redis/manifests/1",
        "https://registry-1.docker.io/v2/library/redis/manifests/1",
    ]


def test_hosts_without_tls_are_named():
    found = Settings(plain_hosts=("m.test",), mirrors=(mirror("*", "m.test"),))
    assert urls(found, *SHOP)[0].startswith("http://m.test/")
    assert urls(found, *SHOP)[1].startswith("https://")


def test_where_signatures_lie_besides():
    found = Settings(
        signatures=(
            ("registry.example.com", "sigs.test/all"),
            ("registry.example.com/shop", "sigs.test/shop"),
        )
    )
    assert signature_repository(found, *SHOP) == "sigs.test/shop"
    assert signature_repository(found, "registry.example.com", "other") == "sigs.test/all"
    assert signature_repository(found, "ghcr.io", "shop/cart") == ""


HOSTS = """
server = "https://registry.example.com"
[host."https://pull.test"]
  capabilities = ["pull"]
  ca = "pull.crt"
[host."http://both.test:5000/base"]
[host."https://odd.test/api"]
  capabilities = ["resolve"]
  override_path = true
"""


def hosts(tmp_path, folder, text):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "hosts.toml").write_text(text)
    return read_node_files(tmp_path)


def test_the_hosts_of_containerd(tmp_path):
    mirrors, authorities = hosts(tmp_path, "registry.example.com", HOSTS)
    assert authorities == [str(tmp_path / "registry.example.com" / "pull.crt")]
    found = routes(Settings(mirrors=tuple(mirrors)), *SHOP)
    assert [(r.of("x"), r.tags, r.digests) for r in found] == [
        ("https://pull.test/v2/shop/cart/x?ns=registry.example.com", False, True),
        ("http://both.test:5000/base/v2/shop/cart/x?ns=registry.example.com", True, True),
        ("https://odd.test/api/shop/cart/x?ns=registry.example.com", True, False),
        ("https://registry.example.com/v2/shop/cart/x", True, True),
    ]


def test_a_port_in_the_name_of_a_folder(tmp_path):
    mirrors, _ = hosts(tmp_path, "r.test_5000_", '[host."https://m.test"]')
    found = Settings(mirrors=tuple(mirrors))
    assert urls(found, "r.test:5000", "a")[0] == "https://m.test/v2/a/manifests/1?ns=r.test:5000"


def test_another_server_replaces_the_registry(tmp_path):
    mirrors, _ = hosts(tmp_path, "_default", 'server = "https://only.test"')
    found = Settings(mirrors=tuple(mirrors))
    assert urls(found, "index.docker.io", "library/redis") == [
        "https://only.test/v2/library/redis/manifests/1?ns=docker.io"
    ]


CONTAINERS = """
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "registry.example.com/shop"
location = "inner.test/moved"
mirror-by-digest-only = true
[[registry.mirror]]
location = "mirror.test/shop"
[[registry]]
location = "quay.io"
[[registry.mirror]]
location = "tags.test"
pull-from-mirror = "tag-only"
"""


def test_the_registries_of_podman(tmp_path):
    file = tmp_path / "registries.conf"
    file.write_text(CONTAINERS)
    mirrors, _ = read_node_files(file)
    settings = Settings(mirrors=tuple(mirrors))
    found = routes(settings, *SHOP)
    assert [(r.of("x"), r.tags, r.digests) for r in found] == [
        ("https://mirror.test/v2/shop/cart/x", False, True),
        ("https://inner.test/v2/moved/cart/x", True, True),
    ]
    quay = routes(settings, "quay.io", "a")
    assert [(r.registry, r.tags, r.digests) for r in quay] == [
        ("tags.test", True, False),
        ("quay.io", True, True),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[registry]]\nblocked = true", "neither prefix nor location"),
        ("= broken", "no TOML"),
        ("a = " + "[" * 5000, "no TOML"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, text, says):
    file = tmp_path / "registries.conf"
    file.write_text(text)
    with pytest.raises(NodeFileError, match=says):
        read_node_files(file)


def test_a_folder_without_any(tmp_path):
    with pytest.raises(NodeFileError, match="nor a folder with"):
        read_node_files(tmp_path)
