# SPDX-License-Identifier: Apache-2.0
"""What OSCAL 1.1.3 demands of assessment results, written down as a JSON Schema.

The required and allowed keys, patterns and enumerations of the parts that kguard writes, from
usnistgov/OSCAL (src/metaschema: oscal_assessment-results, oscal_assessment-common, oscal_metadata,
oscal_implementation-common). Objects are closed and lists are never empty there.
"""

from __future__ import annotations

from typing import Any

UUID = {
    "type": "string",
    "pattern": "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-"
    "[0-9A-Fa-f]{12}$",
}
TOKEN = {"type": "string", "pattern": r"^[_A-Za-z][_A-Za-z0-9.-]*$"}
STRING = {"type": "string", "pattern": r"^\S(.*\S)?$"}
LINE = {"type": "string", "pattern": "^[^\n]+$"}
TEXT = {"type": "string", "minLength": 1}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
REFERENCE = {"type": "string", "pattern": r"^[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+$"}


def listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


def closed(required: str, **properties: Any) -> dict[str, Any]:
    """An object with these keys and no others; `_` stands for `-` in a key."""
    named = {key.replace("_", "-"): value for key, value in properties.items()}
    return {
        "type": "object",
        "required": required.split(),
        "properties": named,
        "additionalProperties": False,
    }


PROPS = listed(
    closed("name value", name=TOKEN, ns={"type": "string", "format": "uri"}, value=STRING)
)
CONTROLS = listed(closed("control-id", control_id=TOKEN))
RELATED = listed(closed("observation-uuid", observation_uuid=UUID))
SELECTION = closed(
    "include-controls",
    description=TEXT,
    props=PROPS,
    include_controls=CONTROLS,
    exclude_controls=CONTROLS,
)
SUBJECT = closed(
    "subject-uuid type",
    subject_uuid=UUID,
    type={"enum": ["component", "inventory-item", "location", "party", "user", "resource"]},
    title=LINE,
)
OBSERVATION = closed(
    "uuid description methods collected",
    uuid=UUID,
    title=LINE,
    description=TEXT,
    props=PROPS,
    methods=listed({"enum": ["EXAMINE", "INTERVIEW", "TEST", "UNKNOWN"]}),
    types=listed(
        {
            "enum": [
                "ssp-statement-issue",
                "control-objective",
                "mitigation",
                "finding",
                "historic",
            ]
        }
    ),
    subjects=listed(SUBJECT),
    relevant_evidence=listed(closed("description", href=REFERENCE, description=TEXT)),
    collected=TIME,
)
RISK = closed(
    "uuid title description statement status",
    uuid=UUID,
    title=LINE,
    description=TEXT,
    statement=TEXT,
    status={
        "enum": [
            "open",
            "investigating",
            "remediating",
            "deviation-requested",
            "deviation-approved",
            "closed",
        ]
    },
    deadline=TIME,
    related_observations=RELATED,
)
STATUS = closed(
    "state",
    state={"enum": ["satisfied", "not-satisfied"]},
    reason={"enum": ["pass", "fail", "other"]},
    remarks=TEXT,
)
FINDING = closed(
    "uuid title description target",
    uuid=UUID,
    title=LINE,
    description=TEXT,
    props=PROPS,
    target=closed(
        "type target-id status",
        type={"enum": ["statement-id", "objective-id"]},
        target_id=TOKEN,
        status=STATUS,
    ),
    related_observations=RELATED,
    related_risks=listed(closed("risk-uuid", risk_uuid=UUID)),
)
ITEM = closed("uuid description", uuid=UUID, description=TEXT, props=PROPS)
RESULT = closed(
    "uuid title description start reviewed-controls",
    uuid=UUID,
    title=LINE,
    description=TEXT,
    start=TIME,
    end=TIME,
    props=PROPS,
    local_definitions=closed("", inventory_items=listed(ITEM)),
    reviewed_controls=closed("control-selections", control_selections=listed(SELECTION)),
    observations=listed(OBSERVATION),
    risks=listed(RISK),
    findings=listed(FINDING),
)
METADATA = closed(
    "title last-modified version oscal-version",
    title=LINE,
    last_modified=TIME,
    version=STRING,
    oscal_version={"const": "1.1.3"},
)
RESOURCE = closed("uuid", uuid=UUID, title=LINE, description=TEXT)
SCHEMA = closed(
    "assessment-results",
    assessment_results=closed(
        "uuid metadata import-ap results",
        uuid=UUID,
        metadata=METADATA,
        import_ap=closed("href", href=REFERENCE),
        results=listed(RESULT),
        back_matter=closed("", resources=listed(RESOURCE)),
    ),
)
