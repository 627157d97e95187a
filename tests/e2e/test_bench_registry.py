# SPDX-License-Identifier: Apache-2.0
"""Does the benchmark of registries judge every image that it serves?"""

from __future__ import annotations

import json

from support.bench import registry


def test_every_image_is_verified_cold_and_warm(capsys, monkeypatch):
    monkeypatch.setattr(registry, "LATENCY_SECONDS", 0.001)
    assert registry.main(["6", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[1].split()[0] for line in lines] == ["cold", "warm", "warm"]
    # Each image: its tag and the .sig, or its tag and the fallback tag, or its tag alone.
    assert "1.67 requests/image" in lines[1]


def test_an_image_without_referrers_has_an_empty_list_of_them():
    found = registry._repository(0)
    status, _, body, _ = registry._Server([found])._answer(
        f"/v2/{found.name}/referrers/sha256:{'0' * 64}"
    )
    assert (status, json.loads(body)["manifests"]) == (200, [])
