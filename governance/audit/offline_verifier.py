#!/usr/bin/env python3
"""Checks a Placet audit pack without Placet, a network, or any library but Python's own.

    python3 verify.py [FOLDER_OR_ZIP] [--key NAME+HASH+BASE64]

Says which file was changed, added or removed, whether every event stands under the signed
checkpoint, whether each closed month has the ledger entries that it was sealed with, and whether
the signatures are by the key that you were given by another way.
Exit code 0: everything holds. 1: something does not. 2: it could not be checked.
"""

import base64
import hashlib
import json
import sys
import zipfile
import zlib
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

MANIFEST = "manifest-sha256.txt"
SIGNATURE = "manifest-sha256.txt.sig"
CHECKPOINT = "checkpoint.txt"
SEALS = "data/statement_seals.jsonl"
SEALED_LINES = "data/sealed_lines.jsonl"
# What of an entry a month's seal fixes.
FIXED = ("id", "call_id", "attempt", "kind", "day", "amount", "currency", "corrects_id")
UNLISTED = {MANIFEST, SIGNATURE}
# What a damaged pack can raise while it is read.
UNREADABLE = (
    *(KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError),
    *(OSError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error),
    ArithmeticError,
)

# Ed25519 by the formulae of RFC 8032, section 5.1.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add(a, b):
    s = (a[1] - a[0]) * (b[1] - b[0]) % P
    t = (a[1] + a[0]) * (b[1] + b[0]) % P
    u = 2 * a[3] * b[3] * D % P
    v = 2 * a[2] * b[2] % P
    e, f, g, h = t - s, v - u, v + u, t + s
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if (x & 1) != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def decompress(data):
    if len(data) != 32:
        return None
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def signed_by(public, message, signature):
    """Whether the 64-byte Ed25519 signature is by that 32-byte public key."""
    if len(signature) != 64:
        return False
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    return same(multiply(s, BASE), add(r, multiply(h, a)))


# RFC 6962 Merkle tree.
def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def included(leaf, index, size, path, root):
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size or any(len(one) != 32 for one in path):
        return False
    position, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            result = hashlib.sha256(b"\x01" + sibling + result).digest()
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            result = hashlib.sha256(b"\x01" + result + sibling).digest()
        position, last = position >> 1, last >> 1
    return last == 0 and result == root


class Folder:
    def __init__(self, path):
        self.path = path

    def names(self):
        files = (one for one in self.path.rglob("*") if one.is_file())
        return [one.relative_to(self.path).as_posix() for one in files]

    def open(self, name):
        return (self.path / name).open("rb")


class Archive:
    def __init__(self, path):
        self.zip = zipfile.ZipFile(path)

    def names(self):
        return self.zip.namelist()

    def open(self, name):
        return self.zip.open(name)


def content(pack, name):
    with pack.open(name) as file:
        return file.read()


def digest(pack, name):
    """SHA-256 of a file, read piece by piece; of any size, and also of an unreadable one."""
    found = hashlib.sha256()
    try:
        with pack.open(name) as file:
            while piece := file.read(1 << 20):
                found.update(piece)
    except UNREADABLE:
        return "unreadable"
    return found.hexdigest()


def parse_key(text):
    name, _, rest = text.partition("+")
    raw = base64.b64decode(rest.partition("+")[2])
    if len(raw) != 33 or raw[:1] != b"\x01":
        raise ValueError("this is not a key of the form NAME+HASH+BASE64")
    return name, raw[1:]


def check_files(pack, problems):
    """Every file against the manifest; names what was changed, added or removed."""
    listed = {}
    for line in content(pack, MANIFEST).decode(errors="replace").splitlines():
        expected, _, name = line.partition("  ")
        listed[name] = expected
    names = pack.names()
    present = {name for name in names if name not in UNLISTED and not name.endswith("/")}
    problems += [f"ADDED    {name}, a second time" for name in sorted(twice(names))]
    problems += [f"REMOVED  {name}" for name in sorted(listed.keys() - present)]
    problems += [f"ADDED    {name}" for name in sorted(present - listed.keys())]
    for name in sorted(listed.keys() & present):
        if digest(pack, name) != listed[name]:
            problems.append(f"CHANGED  {name}")
    return len(listed)


def twice(names):
    return {name for name in names if names.count(name) > 1}


def check_signatures(pack, key, problems):
    try:
        signature = base64.b64decode(content(pack, SIGNATURE).strip(), validate=True)
        holds = signed_by(key, content(pack, MANIFEST), signature)
    except UNREADABLE:
        holds = False
    if not holds:
        problems.append(f"CHANGED  {MANIFEST} or its signature: it is not signed by this key")
    try:
        text, _, line = content(pack, CHECKPOINT).decode().rpartition("\n\n")
        raw = base64.b64decode(line.strip().split(" ")[-1], validate=True)
        holds = signed_by(key, (text + "\n").encode(), raw[4:])
    except UNREADABLE:
        holds = False
    if not holds:
        problems.append(f"CHANGED  {CHECKPOINT}: it is not signed by this key")


def check_events(pack, problems):
    """Every event's bytes under the root of the checkpoint, line by line."""
    lines = content(pack, CHECKPOINT).decode().split("\n")
    size, root = int(lines[1]), base64.b64decode(lines[2])
    number = 0
    with pack.open("data/events.jsonl") as events, pack.open("proofs/events.jsonl") as proofs:
        for number, (event, proof) in enumerate(zip_longest(events, proofs), 1):
            if event is None or proof is None:
                problems.append(f"EVENTS   line {number} has no {'proof' if event else 'event'}")
                break
            if not proved(event.rstrip(b"\n"), proof, size, root):
                problems.append(
                    f"EVENT    line {number} of data/events.jsonl is not in the signed log, "
                    "or its line of proofs/events.jsonl was changed"
                )
    return number


def check_seals(pack, problems):
    """Each closed month: its lines add up to its content, its content has the SHA-256 that the
    signed log says the month was closed with."""
    if SEALS not in pack.names():
        return 0
    logged, booked, seals = closings(pack), sealed_lines(pack), 0
    with pack.open(SEALS) as lines:
        for seals, line in enumerate(lines, 1):
            seal = json.loads(line)
            found = hashlib.sha256(seal["content"].encode()).hexdigest()
            named = f"{seal['team']}, {seal['period']}, line {seals} of {SEALS}"
            if found != seal["sha256"]:
                problems.append(f"SEAL     {named}: its content is not what was sealed")
            if (str(seal["statement"]), seal["sha256"]) not in logged:
                problems.append(f"SEAL     {named}: the signed log knows no such closing")
            given = booked.pop((seal["statement"], seal["number"]), Booked())
            problems += [f"SEAL     {named}: {one}" for one in given.faults(seal["content"])]
    for statement, number in booked:
        problems.append(
            f"SEAL     {SEALED_LINES} has lines of seal {number} of statement {statement}, "
            f"which is not in {SEALS}"
        )
    return seals


def closings(pack):
    logged = set()
    with pack.open("data/events.jsonl") as events:
        for line in events:
            event = json.loads(line)
            if event.get("action") == "statement.closed":
                after = event.get("after") or {}
                logged.add((str(event.get("subject_id")), after.get("sha256")))
    return logged


class Booked:
    """The ledger entries of one closed month as they pass by: count, sum and SHA-256."""

    def __init__(self):
        self.count, self.sum, self.hash = 0, Decimal(0), hashlib.sha256()

    def add(self, entry):
        fixed = {name: entry[name] for name in FIXED}
        text = json.dumps(fixed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        self.hash.update(text.encode() + b"\n")
        self.count, self.sum = self.count + 1, self.sum + Decimal(entry["amount"])

    def faults(self, content):
        sealed = json.loads(content)
        count, total = sealed["entry_count"], Decimal(sealed["total"])
        same_hash = self.hash.hexdigest() == sealed["entries_sha256"]
        if not same_hash or (self.count, self.sum) != (count, total):
            yield (
                f"its entries in {SEALED_LINES} are not those that were sealed: {self.count} "
                f"for {self.sum}, and {count} for {total} were"
            )
        if sum(Decimal(line["amount"]) for line in sealed["lines"]) != total:
            yield "its lines do not add up to its total"


def sealed_lines(pack):
    """What stands under each seal, read line by line."""
    booked = {}
    with pack.open(SEALED_LINES) as lines:
        for line in lines:
            entry = json.loads(line)
            booked.setdefault((entry["statement"], entry["number"]), Booked()).add(entry)
    return booked


def proved(event, proof, size, root):
    try:
        given = json.loads(proof)
        path = [base64.b64decode(one) for one in given["path"]]
        is_its_own = json.loads(event)["id"] == given["event"]
        return is_its_own and included(leaf_hash(event), given["index"], size, path, root)
    except UNREADABLE:
        return False


def check(pack, key_text, problems):
    """(files, events, closed months, name of the key); fills `problems` as far as it can be read."""
    name, key = parse_key(key_text or content(pack, "public-key.txt").decode().strip())
    check_signatures(pack, key, problems)
    files = check_files(pack, problems)
    events = check_events(pack, problems)
    return files, events, check_seals(pack, problems), name


def main(arguments):
    key_text = None
    if "--key" in arguments:
        at = arguments.index("--key")
        key_text = arguments[at + 1] if at + 1 < len(arguments) else ""
        del arguments[at : at + 2]
    where = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    problems = []
    try:
        pack = Archive(where) if where.is_file() else Folder(where)
        files, events, seals, name = check(pack, key_text, problems)
    except UNREADABLE as error:
        for problem in problems:
            print(problem)
        print(f"FAILED   the pack cannot be read to its end: {error!r}")
        return 1
    for problem in problems:
        print(problem)
    if problems:
        print(f"FAILED   {len(problems)} problem(s) in {files} files and {events} events")
        return 1
    print(f"OK       {files} files and {events} events, signed by {name}")
    if seals:
        print(f"         {seals} closed month(s): every entry is there, under the seal in the log")
    if key_text is None:
        print("NOTE     checked against the key inside the pack: ask for the key by another way")
        print("         and run again with --key, or anybody could have made this pack")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
