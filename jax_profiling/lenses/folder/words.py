"""A JSON schema in plain English, for messages about wrong values and for the table of keys in the docs."""

import json


def in_words(schema, definitions):
    """The values that a schema allows, such as "a number above 0 (arcsec)".

    Parameters
    ----------
    schema
        A JSON schema, or a part of one.
    definitions
        The `$defs` of the whole schema.
    """
    schema = resolved(schema, definitions)
    unit = f" ({schema['unit']})" if "unit" in schema else ""
    return _kind(schema, definitions) + unit


def resolved(schema, definitions):
    """The schema that a reference points to, or the schema itself."""
    if "$ref" not in schema:
        return schema
    return definitions[schema["$ref"].rpartition("/")[2]] | {key: schema[key] for key in schema if key != "$ref"}


def options_of(schema):
    """The alternatives of a schema; the schema itself if it has none."""
    return schema.get("oneOf") or schema.get("anyOf") or [schema]


def _kind(schema, definitions):
    if len(options_of(schema)) > 1:
        return ", or ".join(in_words(each, definitions) for each in options_of(schema))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " or ".join(map(json.dumps, schema["enum"]))
    kind = schema["type"]
    if kind == "array":
        return _array(schema, definitions)
    if kind == "object":
        return _object(schema, definitions)
    nouns = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "a text"}
    return nouns.get(kind, kind) + _range(schema)


def _range(schema):
    limits = {
        "exclusiveMinimum": "above {:g}",
        "minimum": "of at least {:g}",
        "maximum": "at most {:g}",
    }
    found = [words.format(schema[key]) for key, words in limits.items() if key in schema]
    return f" {' and '.join(found)}" if found else ""


def _array(schema, definitions):
    items = in_words(schema["items"], definitions)
    if schema.get("minItems") == schema.get("maxItems") == 2:
        return items.replace("a ", "two ", 1).replace("number", "numbers", 1)
    return f"a list of at least {schema.get('minItems', 0)}, each {items}"


def _object(schema, definitions):
    if not schema.get("required"):
        return f"an object of arguments of {schema['title']}"
    keys = sorted(schema["required"], key=lambda key: key != "type")
    return f"an object with {_listed([_key(key, schema['properties'][key]) for key in keys])}"


def _key(key, schema):
    return f"{key} {json.dumps(schema['const'])}" if "const" in schema else key


def _listed(words):
    """Words with commas, and "and" before the last."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
