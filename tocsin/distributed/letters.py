"""Dead letters as an operator sees them: which wait, which were sent again, which broke alike. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tocsin import ids
from tocsin.errors import UsageError
from tocsin.messages import DeadLetter
from tocsin.records import Record

_SHOWN = 12  # hexadecimal digits of a letter's id that are shown; a shorter beginning will do where it is the only one


class Letter(Record, frozen=True, kw_only=True):
    """One dead letter without the message itself, which stays where it lies until it is needed."""

    letter_id: str  # of the stage that it broke and of its origin: the same message broken again by redelivery is the same letter
    stage: str
    error: str
    trace: str
    at: str
    topic: str  # origin, full name
    partition: int
    offset: int
    key: str
    bytes: int | None  # of the message; None: it had none, or was too large to be kept
    fingerprint: str
    redrives: int  # how many times its message had been sent again when it broke this time
    redriven_at: str | None = None  # when this letter was sent again; None: it waits
    sent_again: int = 0  # how many times
    place: tuple[int, int]  # partition and offset on the topic of dead letters

    @property
    def waits(self) -> bool:
        """Nothing was done about it yet."""
        return self.redriven_at is None


class Group(Record, frozen=True, kw_only=True):
    """Letters that broke alike."""

    fingerprint: str
    stage: str
    topic: str
    error: str  # of the latest
    letters: int
    waiting: int
    again: int  # of those that wait: how many had been sent again before, in vain
    first_at: str
    last_at: str
    letter_id: str  # the latest, to be looked at


def letter_id(letter: DeadLetter) -> str:
    """Id of a dead letter: "d_" and 12 digits of stage and origin."""
    return "d_" + ids.digest(letter.stage, letter.topic, str(letter.partition), str(letter.offset))[:_SHOWN]


def gather(found: Iterable[tuple[DeadLetter, int, int]]) -> dict[str, Letter]:
    """Put letters and marks together, by letter id, oldest first. `found`: each with partition and offset, of each partition in order."""
    letters: dict[str, Letter] = {}
    marks: dict[str, DeadLetter] = {}
    for record, partition, offset in found:
        name = letter_id(record)
        if record.redriven_at is not None:
            marks[name] = record
        else:
            letters[name] = _letter(name, record, (partition, offset))
            marks.pop(name, None)  # broken once more at the same place: whoever read it again has not got past it
    for name, mark in marks.items():
        if name in letters:
            again = mark.redrives - letters[name].redrives
            letters[name] = msgspec.structs.replace(letters[name], redriven_at=mark.redriven_at, sent_again=again)
    return dict(sorted(letters.items(), key=lambda item: (item[1].at, item[1].topic, item[1].partition, item[1].offset)))


def _letter(name: str, record: DeadLetter, place: tuple[int, int]) -> Letter:
    return Letter(
        letter_id=name,
        stage=record.stage,
        error=record.error,
        trace=record.trace,
        at=record.at,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode("utf-8", "replace"),
        bytes=None if record.body is None else len(record.body),
        fingerprint=record.fingerprint,
        redrives=record.redrives,
        place=place,
    )


def mark_of(letter: DeadLetter, sent_again: int, at: str) -> DeadLetter:
    """The record that says a letter was sent again, for the `sent_again`-th time: the letter itself without its message."""
    return msgspec.structs.replace(letter, body=None, redrives=letter.redrives + sent_again, redriven_at=at)


def grouped(letters: Iterable[Letter]) -> list[Group]:
    """Letters by fingerprint, the most numerous first."""
    together: dict[str, list[Letter]] = {}
    for letter in letters:
        together.setdefault(letter.fingerprint, []).append(letter)
    groups = [_group(name, some) for name, some in together.items()]
    return sorted(groups, key=lambda group: (-group.waiting, -group.letters, group.fingerprint))


def _group(fingerprint: str, letters: Sequence[Letter]) -> Group:
    last = max(letters, key=lambda letter: letter.at)
    waiting = [letter for letter in letters if letter.waits]
    return Group(
        fingerprint=fingerprint,
        stage=last.stage,
        topic=last.topic,
        error=last.error,
        letters=len(letters),
        waiting=len(waiting),
        again=sum(letter.redrives > 0 for letter in waiting),
        first_at=min(letter.at for letter in letters),
        last_at=last.at,
        letter_id=last.letter_id,
    )


def named(letters: dict[str, Letter], name: str) -> Letter:
    """The letter of an id, of the beginning of one, or of an origin "topic/partition/offset". Raises UsageError."""
    found = [
        letter
        for known, letter in letters.items()
        if known.startswith(name) or f"{letter.topic}/{letter.partition}/{letter.offset}" == name
    ]
    if not found:
        raise UsageError(f"no dead letter {name}: `tocsin dead-letters list --each` lists all that are kept")
    if len(found) > 1:
        raise UsageError(f"{name} may be {found[0].letter_id}, {found[1].letter_id} or others: write more of it")
    return found[0]


def chosen(letters: dict[str, Letter], wanted: Sequence[str], fingerprint: str | None, *, everything: bool) -> list[Letter]:
    """The letters to send again. Named ones whether they wait or not; of a fingerprint, and of all, those that wait.

    Raises UsageError for a name that no letter has, and for a fingerprint unknown.
    """
    if wanted:
        return list({(letter := named(letters, name)).letter_id: letter for name in wanted}.values())
    if everything:
        return [letter for letter in letters.values() if letter.waits]
    known = sorted({letter.fingerprint for letter in letters.values() if letter.fingerprint.startswith(fingerprint or "?")})
    if len(known) != 1:
        raise UsageError(f"{len(known) or 'no'} fingerprints begin with {fingerprint}: `tocsin dead-letters list` shows them")
    return [letter for letter in letters.values() if letter.fingerprint == known[0] and letter.waits]


def decoded(body: bytes | None) -> tuple[str, Any]:
    """What a message's bytes are: ("json", the value), ("text", it), ("bytes", hexadecimal of the first 4,000) or ("none", None)."""
    if body is None:
        return "none", None
    try:
        return "json", msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return "text", body.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes", body[:4000].hex(" ", 2)
