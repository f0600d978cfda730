"""A small validator for the part of JSON Schema that the OpenAPI document uses."""

import re

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
KNOWN = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "minimum", "maximum",
    "format", "pattern", "description", "anyOf", "$ref", "maxLength", "default",
}
DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")


def errors(value, schema, schemas, where="answer"):
    """Every way in which value does not follow schema."""
    assert set(schema) <= KNOWN, f"{where}: the validator does not know {set(schema) - KNOWN}"
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        yield from errors(value, schemas[name], schemas, f"{where}<{name}>")
        return
    if "anyOf" in schema:
        if all(list(errors(value, s, schemas, where)) for s in schema["anyOf"]):
            yield f"{where}: fits none of the alternatives: {value!r:.200}"
        return
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(TYPES[t](value) for t in types):
        yield f"{where}: {value!r:.100} is not {types}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not one of {schema['enum']}"
    if isinstance(value, dict):
        yield from object_errors(value, schema, schemas, where)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from errors(item, schema["items"], schemas, f"{where}[{i}]")
    elif isinstance(value, str):
        if schema.get("format") == "date-time" and not DATE_TIME.match(value):
            yield f"{where}: {value!r} is no time with nanoseconds"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{where}: {value!r} does not match {schema['pattern']}"
    elif value is not None and not isinstance(value, bool):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            yield f"{where}: {value} is out of range"


def object_errors(value, schema, schemas, where):
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}: member {name} is missing"
    more = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in properties:
            yield from errors(item, properties[name], schemas, f"{where}.{name}")
        elif more is False:
            yield f"{where}: member {name} is not documented"
        elif isinstance(more, dict):
            yield from errors(item, more, schemas, f"{where}.{name}")
