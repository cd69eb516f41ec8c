"""`hpo schema`: the JSON Schema of sweep files, to stdout."""

from __future__ import annotations

import json

import typer

from hpo.sweepfile.schema import json_schema


def schema() -> None:
    """Print the JSON Schema of sweep files, for editors."""
    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
