"""The generated pages of the contract: JSON Schemas, AsyncAPI and OpenAPI.

    python -m deploy.schemas            write them
    python -m deploy.schemas --check    fail when a written page differs from the code

They are written from the models that the services run, so a page cannot promise what the code does not do.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.contracts import alerts, changes, envelope, facts, scores, states
from shared.contracts.topics import MODULES, TOPICS
from shared.contracts.words import full_type

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "shared" / "contracts" / "schemas"
DOCS = ROOT / "docs"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def fact_schema(short: str, model: type[BaseModel]) -> dict[str, Any]:
    """The whole event of one fact type: the envelope with its `type` fixed and its `data` described."""
    _, definitions = models_json_schema(
        [(envelope.Event, "validation"), (model, "validation")], ref_template="#/$defs/{model}"
    )
    event = definitions["$defs"].pop("Event")
    event["properties"]["type"] = {"const": full_type(short)}
    event["properties"]["data"] = {"$ref": f"#/$defs/{model.__name__}"}
    return {"$schema": DIALECT, "title": full_type(short), **event, "$defs": definitions["$defs"]}


def model_schema(model: type[BaseModel], mode: str = "serialization") -> dict[str, Any]:
    """The schema of a model that a service writes."""
    return {"$schema": DIALECT, **model.model_json_schema(mode=mode)}  # type: ignore[arg-type]


def written_models() -> dict[str, type[BaseModel]]:
    """The models of what the services emit, by the name of their page."""
    emitted: dict[str, type[BaseModel]] = {
        "change": changes.Change,
        "rejection": changes.Rejection,
        "alert": alerts.Alert,
        "score": scores.Score,
        "score-change": scores.ScoreChange,
        "period": scores.PeriodState,
    }
    emitted |= {f"state.{kind}": model for kind, model in states.STATE_OF_KIND.items()}
    return emitted


def fact_models() -> Iterator[tuple[str, str, type[BaseModel]]]:
    """Every (module, short type, model), `fact.retracted` under each module."""
    for module in MODULES:
        for short, model in facts.FACTS_OF_MODULE[module].items():
            yield module, short, model
        yield module, facts.RETRACTED, facts.FactRetracted


def _message(name: str, schema_file: str, key: str) -> dict[str, Any]:
    return {
        "name": name,
        "contentType": envelope.STRUCTURED,
        "payload": {"$ref": f"../shared/contracts/schemas/{schema_file}.json"},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}}},
    }


_PAGES_OF_TOPIC = {
    "rejections": ["rejection"],
    "scores": ["score"],
    "score.changes": ["score-change"],
    "periods": ["period"],
    "alerts": ["alert"],
}


def _messages_of_topic(name: str, keyed_by: str) -> dict[str, Any]:
    module, _, kind = name.partition(".")
    if kind == "inbox":
        return {
            short: _message(full_type(short), f"fact.{short}", keyed_by)
            for owner, short, _ in fact_models()
            if owner == module
        }
    pages = ["change"] if kind == "events" else _PAGES_OF_TOPIC[name]
    return {page: _message(page, page, keyed_by) for page in pages}


def asyncapi() -> dict[str, Any]:
    """The bus as an AsyncAPI 3.0 document, from the declared topics and the models."""
    channels = {
        topic.name: {
            "address": topic.name,
            "description": topic.description,
            "messages": _messages_of_topic(topic.name, topic.keyed_by),
            "bindings": {
                "kafka": {
                    "topicConfiguration": {
                        "cleanup.policy": [topic.cleanup],
                        "max.message.bytes": topic.max_message_bytes,
                        **({"retention.ms": topic.retention_ms} if topic.cleanup == "delete" else {}),
                    }
                }
            },
            "x-written-by": topic.writer,
            "x-partitioned-by": topic.partitioned_by,
        }
        for topic in TOPICS
    }
    operations = {
        f"{'send' if topic.name.endswith('.inbox') else 'receive'}-{topic.name}": {
            "action": "send" if topic.name.endswith(".inbox") else "receive",
            "channel": {"$ref": f"#/channels/{topic.name}"},
        }
        for topic in TOPICS
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "The scoring bus",
            "version": "1.0.0",
            "description": "What publishers send and subscribers read, seen from a client.",
        },
        "defaultContentType": envelope.STRUCTURED,
        "channels": channels,
        "operations": operations,
    }


def openapi(service: str) -> dict[str, Any]:
    """The OpenAPI document of one service, from its routes; nothing is connected to."""
    app = importlib.import_module(f"services.{service}.app")
    document: dict[str, Any] = app.describe_api()
    return document


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    documents: dict[Path, Any] = {
        SCHEMAS / f"fact.{short}.json": fact_schema(short, model) for _, short, model in fact_models()
    }
    documents |= {SCHEMAS / f"{name}.json": model_schema(model) for name, model in written_models().items()}
    documents[DOCS / "asyncapi.json"] = asyncapi()
    documents |= {
        DOCS / "openapi" / f"{service}.json": openapi(service) for service in (*MODULES, "scoring", "report")
    }
    return {path: json.dumps(page, ensure_ascii=False, indent=2) + "\n" for path, page in documents.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write or check the generated pages of the contract.")
    parser.add_argument("--check", action="store_true", help="only compare; end with 1 when a page differs")
    only_check = parser.parse_args().check
    current = pages()
    stale = [
        path
        for path, text in current.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    orphans = [path for path in SCHEMAS.glob("*.json") if path not in current]
    if only_check:
        for path in (*stale, *orphans):
            sys.stderr.write(f"{path.relative_to(ROOT)} does not follow from the code any more\n")
        if stale or orphans:
            sys.stderr.write("Write the pages again with: .venv/bin/python -m deploy.schemas\n")
        return 1 if stale or orphans else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(current[path], encoding="utf-8")
    for path in orphans:
        path.unlink()
    sys.stderr.write(f"{len(current)} pages, {len(stale)} written, {len(orphans)} removed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
