"""What to extract: types with definitions, aliases, roles and signatures.

A schema is written in YAML or JSON (each section a mapping from label to its facts, or just a list of labels), or
derived from a pydantic class. It knows nothing of documents, prompts or models.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from adelie_ie.errors import InputError


class _Label(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    definition: str = ""
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


class EntityType(_Label):
    """A kind of mention, e.g. ``disease``."""


class RelationType(_Label):
    """A directed relation between two entities; ``head`` and ``tail`` list the allowed entity types (empty: any)."""

    head: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    symmetric: bool = False


class Role(_Label):
    """What an argument is to its event; ``types`` lists the allowed entity types (empty: any)."""

    types: tuple[str, ...] = ()


class EventType(_Label):
    """A class of event and the roles of its arguments."""

    roles: dict[str, Role] = Field(default_factory=dict)


class EventRelationType(_Label):
    """A relation between two events; ``inverse`` names the label of the pair read backwards, if there is one."""

    inverse: str | None = None


class Schema(BaseModel):
    """The label inventory of a corpus or of a user's request.

    Attributes:
        name: a short name, used in messages.
        entities, relations, events, event_relations: label -> facts, in the order in which prompts list them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "schema"
    entities: dict[str, EntityType] = Field(default_factory=dict)
    relations: dict[str, RelationType] = Field(default_factory=dict)
    events: dict[str, EventType] = Field(default_factory=dict)
    event_relations: dict[str, EventRelationType] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _accept_short_forms(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        data = dict(data)
        for section in ("entities", "relations", "events", "event_relations"):
            if section in data:
                data[section] = _facts_by_label(data[section], section)
        events = data.get("events")
        for name, facts in events.items() if isinstance(events, Mapping) else ():
            if isinstance(facts, Mapping) and "roles" in facts:
                events[name] = {**facts, "roles": _facts_by_label(facts["roles"], f"events.{name}.roles")}
        return data

    @model_validator(mode="after")
    def _check_references(self) -> Schema:
        for name, relation in self.relations.items():
            for side in ("head", "tail"):
                self._check_known(getattr(relation, side), f"relations.{name}.{side}")
        for name, event in self.events.items():
            for role, facts in event.roles.items():
                self._check_known(facts.types, f"events.{name}.roles.{role}.types")
        for name, event_relation in self.event_relations.items():
            if event_relation.inverse is not None and event_relation.inverse not in self.event_relations:
                raise ValueError(f"event_relations.{name}.inverse: unknown label {event_relation.inverse!r}")
        return self

    def _check_known(self, types: Iterable[str], where: str) -> None:
        for entity_type in types:
            if entity_type not in self.entities:
                raise ValueError(f"{where}: unknown entity type {entity_type!r}")

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """Read a schema from a ``.yaml``, ``.yml`` or ``.json`` file.

        Raises:
            InputError: the file is missing, cannot be read as YAML / JSON, or is not a schema.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
            data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        except FileNotFoundError:
            raise InputError("no such schema file", path=path) from None
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})", path=path) from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise InputError(f"not readable as YAML or JSON: {' '.join(str(error).split())}", path=path) from None
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(
                f"not a schema: {where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}", path=path
            ) from None

    def save(self, path: str | Path) -> None:
        """Write the schema as YAML (or JSON for a ``.json`` path); ``load`` reads the same schema back."""
        path = Path(path)
        data = self.model_dump(mode="json", exclude_defaults=True)
        data = {"name": self.name, **data}
        if path.suffix == ".json":
            text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
        else:
            # PyYAML writes these line breaks raw and reads them back as white space.
            plain = not any(mark in json.dumps(data, ensure_ascii=False) for mark in "\x85\u2028\u2029\ufeff")
            text = yaml.safe_dump(data, sort_keys=False, allow_unicode=plain, width=120)
        path.write_text(text, encoding="utf-8")

    @classmethod
    def from_pydantic(cls, model: type[BaseModel]) -> Schema:
        """Derive a schema from a pydantic class.

        A field of strings (``list[str]``, ``str``, optional or not) is an entity type named after the field; a field
        of another model is a relation if that model has exactly the fields ``head`` and ``tail`` (or ``subject`` and
        ``object``), and an event class with the model's fields as roles otherwise. Field descriptions and class
        docstrings become definitions.

        Raises:
            InputError: a field is neither text nor a model.
        """
        sections: dict[str, dict[str, Any]] = {"entities": {}, "relations": {}, "events": {}}
        for name, field in model.model_fields.items():
            label = name.replace("_", " ")
            inner = _innermost(field.annotation)
            definition = field.description or ""
            if inner is str:
                sections["entities"][label] = {"definition": definition}
            elif isinstance(inner, type) and issubclass(inner, BaseModel):
                definition = definition or " ".join((inner.__doc__ or "").split())
                if set(inner.model_fields) in ({"head", "tail"}, {"subject", "object"}):
                    sections["relations"][label] = {"definition": definition}
                else:
                    roles = {
                        role.replace("_", " "): {"definition": facts.description or ""}
                        for role, facts in inner.model_fields.items()
                        if role != "trigger"
                    }
                    sections["events"][label] = {"definition": definition, "roles": roles}
            else:
                raise InputError(f"{model.__name__}.{name}: a field must hold text or a pydantic model, not {inner!r}")
        return cls.model_validate({"name": model.__name__, **sections})

    def to_json_schema(self) -> dict[str, Any]:
        """JSON Schema of an answer over this schema: an object with a list of records per non-empty section."""
        text = {"type": "string"}
        properties: dict[str, Any] = {}
        if self.entities:
            properties["entities"] = _list_of({"entity": text, "type": {"enum": list(self.entities)}})
        if self.relations:
            properties["relations"] = _list_of(
                {"subject": text, "relation": {"enum": list(self.relations)}, "object": text}
            )
        if self.events:
            variants = []
            for name, event in self.events.items():
                argument = _list_of({"word": text, "role": {"enum": list(event.roles)}}) if event.roles else None
                fields: dict[str, Any] = {"event": text, "class": {"const": name}}
                if argument is not None:
                    fields["arguments"] = argument
                variants.append(_record(fields))
            properties["events"] = {"type": "array", "items": {"anyOf": variants}}
        if self.event_relations:
            properties["event_relations"] = _list_of(
                {"first event": text, "relation": {"enum": list(self.event_relations)}, "second event": text}
            )
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": self.name, **_record(properties)}


def _facts_by_label(section: Any, where: str) -> Any:
    """Accept ``[a, b]``, ``{a: "definition"}`` and ``{a: {definition: ...}}`` alike."""
    if section is None:
        return {}
    if isinstance(section, Mapping):
        return {
            name: {} if facts is None else {"definition": facts} if isinstance(facts, str) else facts
            for name, facts in section.items()
        }
    if isinstance(section, list | tuple):
        for name in section:
            if not isinstance(name, str):
                raise ValueError(f"{where}: a list holds names alone, found {name!r}: write a mapping for definitions")
        return {name: {} for name in section}
    return section


def _innermost(annotation: Any) -> Any:
    """The ``X`` of ``X``, ``X | None``, ``list[X]`` and their nestings; anything wider stays as it is."""
    origin = typing.get_origin(annotation)
    arguments = [arg for arg in typing.get_args(annotation) if arg not in (type(None), ...)]
    containers = (list, tuple, set, frozenset, Sequence, Iterable, typing.Union, types.UnionType)
    return _innermost(arguments[0]) if origin in containers and len(arguments) == 1 else annotation


def _record(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _list_of(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _record(fields)}
