"""The models → the JSON Schema of sweep files, for editors."""

from __future__ import annotations

from typing import Any

from hpo.space.distributions import DISTRIBUTIONS
from hpo.sweepfile.model import Sweep


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a sweep file, descriptions included; keys that hpo ignores are allowed."""
    schema = Sweep.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    when = {
        "type": "object",
        "description": "The parameter is there only where each other one named here has this value, or one "
        "of this list.",
        "minProperties": 1,
    }
    for name, cls in DISTRIBUTIONS.items():
        definitions[name] = cls.model_json_schema()
        definitions[name]["properties"]["when"] = when
    parameter = {"$ref": "#/$defs/parameter"}
    definitions["nested"] = {
        "type": "object",
        "description": "A block of further parameters: the script sees a mapping.",
        "properties": {
            "parameters": {"type": "object", "minProperties": 1, "additionalProperties": parameter},
            "when": when,
        },
        "required": ["parameters"],
        "additionalProperties": False,
    }
    definitions["parameter"] = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in (*DISTRIBUTIONS, "nested")]}
    schema["properties"]["parameters"]["additionalProperties"] = parameter
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "hpo sweep"}
