"""The faults of what a person wrote, against a pydantic schema: key, found value, and what to write instead."""

import difflib
import json
from dataclasses import dataclass

from pydantic import ValidationError

from jax_profiling.lenses.folder.words import in_words, options_of, resolved


@dataclass(frozen=True)
class Rule:
    """A rule across several keys; a fault is reported at the first key.

    Attributes
    ----------
    keys
        Keys of the schema. The rule is not applied if one of them is wrong by itself.
    holds
        Takes the values of the keys, None for an optional key that is left out.
    fix
        What to write instead.
    """

    keys: tuple
    holds: callable
    fix: str


def faults_of(value, schema, rules=()):
    """The faults of a dictionary.

    Parameters
    ----------
    value
        What was read; comments are left out already.
    schema
        The pydantic model that it has to follow.
    rules
        The rules across keys.

    Returns
    -------
    list
        (key, found, fix) of every fault, in the order of the schema's keys. The key has dots: `image_mesh.pixels`.
    """
    try:
        schema.model_validate(value)
        errors = []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    whole = schema.model_json_schema()
    # An array has one fault, however many of its items are wrong.
    faults = dict.fromkeys(_fault(error, value, whole) for error in errors)
    wrong = {error["loc"][0] for error in errors}
    return list(faults) + _broken_rules(value, schema, rules, wrong)


def _broken_rules(value, schema, rules, wrong):
    defaults = {name: field.get_default(call_default_factory=True) for name, field in schema.model_fields.items()}
    values = defaults | value
    return [
        (rule.keys[0], _found(rule.keys[0], value), rule.fix)
        for rule in rules
        if not wrong & set(rule.keys) and not rule.holds(*(values[key] for key in rule.keys))
    ]


def _fault(error, value, whole):
    keys, parent, schema = _at(error["loc"], whole)
    name = ".".join(keys)
    if error["type"] == "extra_forbidden":
        return name, f"is {shown(error['input'])}, an unknown key", _nearest(keys[-1], parent)
    return name, _found(name, value), f"write {in_words(schema, whole.get('$defs', {}))}"


def _at(location, whole):
    """The keys of pydantic's location, the JSON schema there, and the schema of the object around it.

    A location also holds indices of arrays, where this stops, and tags of unions.
    """
    definitions = whole.get("$defs", {})
    keys, parent, schema = [], whole, whole
    for part in location:
        schema = resolved(schema, definitions)
        if "properties" in schema:
            keys.append(part)
            parent, schema = schema, schema["properties"].get(part, {})
        elif len(options_of(schema)) > 1:
            options = [resolved(each, definitions) for each in options_of(schema)]
            schema = next((each for each in options if part in (each.get("title"), each.get("type"))), schema)
        else:
            break
    return keys, parent, schema


def _nearest(key, parent):
    known = {name.lower(): name for name in parent["properties"]}
    best = difflib.get_close_matches(key.lower(), known, n=3, cutoff=0.7)
    best = best or difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.0)
    return f"write {' or '.join(known[each] for each in best)}, or _{key} for a comment"


def _found(name, value):
    for key in name.split(".") if name else ():
        if not isinstance(value, dict) or key not in value:
            return "is missing"
        value = value[key]
    return f"is {shown(value)}"


def shown(value):
    """A value as JSON, cut to what a line holds."""
    text = json.dumps(value, default=str)  # YAML has dates.
    return text if len(text) <= 60 else f"{text[:57]}..."
