# SPDX-License-Identifier: Apache-2.0
"""Which Falco does a values file of Falco's chart make?

Authority: falcosecurity/charts falco 9.1.0 values.yaml and templates: `falco:` becomes falco.yaml,
`customRules` the files of /etc/falco/rules.d, Falcosidekick sets the HTTP output; the rules that
come with Falco are fetched by falcoctl at run time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.falco import RULES_FOLDER, Falco, version_of
from kguard.layers.runtime.facts.sidekicks import Sidekick
from kguard.layers.runtime.facts.texts import Filesystem, Text, file_ref, from_section
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.semantics.configuration import laid_over
from kguard.layers.runtime.semantics.sidekick import flattened, forwards
from kguard.layers.runtime.traces import is_chart_values
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, PlainDocument, mapping, strings
from kguard.sources.yaml.untyped import Mapping

DEFAULTS = """\
load_plugins: [container]
plugins: [{name: container}]
stdout_output: {enabled: true}
syslog_output: {enabled: true}
syscall_event_drops: {actions: [log, alert]}
webserver: {enabled: true}
"""
SIDEKICK_HOST = "falcosidekick"
SIDEKICK = f"""\
json_output: true
http_output: {{enabled: true, url: "http://{SIDEKICK_HOST}:2801"}}
"""
DEFAULT_TOLERATIONS = [
    {"effect": "NoSchedule", "key": f"node-role.kubernetes.io/{role}"}
    for role in ("master", "control-plane")
]


def chart_falcos(inventory: Inventory) -> Iterator[Falco]:
    """One Falco for each values file."""
    for document in inventory.documents:
        if is_chart_values(document.value):
            yield _falco(inventory, document)


def _falco(inventory: Inventory, document: PlainDocument) -> Falco:
    values = mapping(document.value)
    tag = strings(values.get("image")).get("tag", "")
    version, basis = version_of(inventory, tag)
    settings = falco_yaml.settings_of(_config(document, values))
    return Falco(
        ref=file_ref(document.text.file),
        id=document.id,
        kind="values",
        version=version,
        version_basis=basis,
        settings=settings,
        config="read",
        config_text=from_section(document, "falco"),
        pod=_pod(values),
        pod_pointer="",
        files=Filesystem.holding({RULES_FOLDER: dict(_rules(document, values))}),
        selections=settings.selections,
        sidekick=_sidekick(document, values),
    )


def _config(document: PlainDocument, values: JsonObject) -> Mapping:
    """The falco.yaml that the chart writes."""
    parts = [falco_yaml.read(DEFAULTS) or Mapping()]
    whole = falco_yaml.read(document.text.text) or Mapping()
    own = whole.get("falco")
    if isinstance(own, Mapping):
        parts.append(own)
    driver = strings(values.get("driver")).get("kind", "")
    if driver not in ("", "auto"):
        parts.append(falco_yaml.read(f"engine: {{kind: {driver!r}}}") or Mapping())
    if _sidekick(document, values):
        parts.append(falco_yaml.read(SIDEKICK) or Mapping())
    return reduce(laid_over, parts)


def _sidekick(document: PlainDocument, values: JsonObject) -> Sidekick | None:
    """The Falcosidekick that is installed along, with its outputs."""
    written = mapping(values.get("falcosidekick"))
    if written.get("enabled") is not True:
        return None
    config = mapping(written.get("config"))
    known = dict(flattened(config))
    if mapping(written.get("webui")).get("enabled") is True:
        known["webui.url"] = "set by the chart"
    hidden = bool(config.get("existingSecret"))
    return Sidekick(document.id, pointer("falcosidekick"), forwards(known), hidden, SIDEKICK_HOST)


def _pod(values: JsonObject) -> JsonObject:
    chosen: JsonObject = {key: values[key] for key in ("nodeSelector", "affinity") if key in values}
    return {**chosen, "tolerations": values.get("tolerations", DEFAULT_TOLERATIONS)}


def _rules(document: PlainDocument, values: JsonObject) -> Iterator[tuple[str, Text]]:
    for name, content in strings(values.get("customRules")).items():
        label = f"{document.text.file}:customRules/{name}"
        place = pointer("customRules", name)
        yield name, Text(label, content, file_ref(document.text.file), document.id, place)
