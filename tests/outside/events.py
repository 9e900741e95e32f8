"""Asks others what they think of our outputs: every line of the files given is read by the SDK of CloudEvents, as a record of
Kafka in structured mode and in binary mode, and checked by a JSON Schema validator against schemas/. The examples in the schemas,
of inputs too, go the same way.

Run by tests/outside/run: python events.py [--every-type] OUTPUTS.jsonl...
"""

import collections
import copy
import json
import pathlib
import sys

import jsonschema
from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat

SCHEMAS = pathlib.Path("schemas")
FORMAT = JSONFormat()
SHOWN_MAX = 20
# What the engine puts out, but for dead letters, which are no events.
OUTPUT_TYPES = [
    "alert.raised",
    "alert.escalated",
    "alert.cleared",
    "exposure.updated",
    "limit.changed",
    "limit.reduction_closed",
    "limit.reduction_proposed",
    "order.hold_decided",
]


class Judge:
    """Says what is wrong with an event, if anything is."""

    def __init__(self):
        self.validators = {}

    def errors(self, line):
        try:
            read = kafka.from_structured(
                kafka.KafkaMessage(headers={"content-type": b"application/cloudevents+json"}, key=None, value=line), FORMAT
            )
            again = kafka.from_binary(kafka.to_binary(read, FORMAT), FORMAT)
        except Exception as error:  # Whatever the SDK has to say.
            return [f"CloudEvents: {error!r}"]
        event = json.loads(line)
        errors = []
        for name, seen in (("structured", read), ("binary", again)):
            if seen.get_data() != event.get("data") or seen.get_subject() != event.get("subject"):
                errors.append(f"CloudEvents: {name} mode does not read what was written")
        validator = self.validator(event.get("type", ""))
        if validator is None:
            return [*errors, f"no schema of {event.get('type')}"]
        errors += [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(event)]
        return errors

    def validator(self, type_name):
        if type_name not in self.validators:
            path = SCHEMAS / f"{type_name}.json"
            made = None
            if path.exists():
                schema = json.loads(path.read_text())
                checker = jsonschema.Draft202012Validator
                checker.check_schema(schema)
                made = checker(schema, format_checker=checker.FORMAT_CHECKER)
            self.validators[type_name] = made
        return self.validators[type_name]


def examples(judge):
    """What is wrong with the examples that the schemas give."""
    count = 0
    for path in sorted(SCHEMAS.glob("*.json")):
        for example in json.loads(path.read_text())["examples"]:
            count += 1
            yield from (f"an example in {path}: {error}" for error in judge.errors(json.dumps(example).encode()))
    print(f"{count} examples in the schemas")


def spoiled(line):
    """Copies of an event that must not pass, with what was done to them: else nobody looks."""
    event = json.loads(line)
    for attribute in ("id", "source", "type", "specversion", "subject", "time", "data"):
        other = copy.deepcopy(event)
        del other[attribute]
        yield f"without {attribute}", other
    for attribute, value in (("time", "yesterday"), ("specversion", "2.0"), ("id", ""), ("data", {}), ("type", "none.such")):
        yield f"with {attribute} {value!r}", {**event, attribute: value}


def main(arguments):
    paths = [argument for argument in arguments if argument != "--every-type"]
    judge = Judge()
    counts = collections.Counter()
    bad_examples = list(examples(judge))
    for error in bad_examples:
        print(error, file=sys.stderr)
    wrong = 0
    for path in paths:
        with open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                errors = judge.errors(line)
                counts[json.loads(line)["type"]] += 1
                wrong += bool(errors)
                if errors and wrong <= SHOWN_MAX:
                    print(f"{path}:{number}: {'; '.join(errors)}", file=sys.stderr)
                if counts.total() == 1:
                    for what, event in spoiled(line):
                        if not judge.errors(json.dumps(event).encode()):
                            sys.exit(f"an event {what} passed: nothing is checked")
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    print(f"{counts.total()} outputs, {wrong} of them not valid")
    missing = [name for name in OUTPUT_TYPES if name not in counts] if "--every-type" in arguments else []
    if missing:
        sys.exit(f"none of: {', '.join(missing)}")
    sys.exit(1 if wrong or bad_examples or not counts else 0)


main(sys.argv[1:])
