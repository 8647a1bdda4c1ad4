"""Write the visibility tables of tests/policy/data: who sees what, decided by rules on paper.

The rules are written out here once more, plainly and without a line of the software, so that
the tables can prove it wrong. Run it only to change the tables, and read the difference.

    1. Erased: nobody sees anything.
    2. Withdrawn: not in lists; a page for everyone; detail for stewards; bytes for nobody.
    3. Open at the moment (open, or its embargo is over): everyone sees everything.
    4. Otherwise a steward, a member of its group whose time is not over, whoever is in charge of
       its instrument, and whom it is shared with for a time that is not over: everything.
    5. Otherwise, under embargo: lists and page for everyone, no detail, no bytes.
    6. Otherwise, closed: nothing, as if it did not exist.
    7. Directors and administrators see what everyone sees.
"""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

FOLDER = Path("tests/policy/data")
TODAY = date(2026, 6, 1)
PEOPLE, DATASETS, GROUPS, INSTRUMENTS = 50, 500, 20, 5


def days(random_: random.Random, *, past: bool) -> str:
    """Return a day well before or after today."""
    count = random_.randint(2, 900)
    return str(TODAY - timedelta(days=count) if past else TODAY + timedelta(days=count))


def people_and_members(random_: random.Random) -> tuple[list[str], list[dict[str, str]]]:
    """Return who there is and where they belong: also what is over."""
    names = [f"p{number:02d}" for number in range(PEOPLE)]
    members = []
    for number, name in enumerate(names):
        if number in {0, 1, 2}:
            role = ("steward", "director", "administrator")[number]
            members.append({"group": "node", "person": name, "role": role, "until": ""})
        if number in {3, 4}:
            group = f"instrument:i{number}"
            role = "instrument_scientist"
            members.append({"group": group, "person": name, "role": role, "until": ""})
        # the last ten are strangers
        for group in random_.sample(range(GROUPS), k=random_.choice([0, 1, 1, 2, 4])):
            if number >= PEOPLE - 10:
                break
            role = random_.choice(["pi", "team", "team", "local_contact", "guest"])
            fate = random_.choice(["", "", "past", "future"])
            until = days(random_, past=fate == "past") if fate else ""
            line = {"group": f"g{group:02d}", "person": name, "role": role, "until": until}
            members.append(line)
    # somebody who was a guest at an instrument
    over = {"group": "instrument:i0", "person": "p05", "role": "guest"}
    members.append({**over, "until": str(TODAY - timedelta(days=2))})
    return names, members


def datasets(random_: random.Random) -> list[dict[str, str]]:
    """Return the datasets, in all five states and with dates on both sides of today."""
    found = []
    for number in range(DATASETS):
        kind = random_.choices(
            ["open", "embargoed", "over", "closed", "withdrawn", "erased"],
            [15, 35, 10, 30, 6, 4],
        )[0]
        until = ""
        if kind in {"embargoed", "over"}:
            until = days(random_, past=kind == "over")
        found.append(
            {
                "pid": f"v/{number:03d}",
                "access": "embargoed" if kind == "over" else kind,
                "until": until,
                "group": random_.choice(["", *(f"g{item:02d}" for item in range(GROUPS))]),
                "instrument": random_.choice(["", *(f"i{item}" for item in range(INSTRUMENTS))]),
            }
        )
    return found


def shares(
    random_: random.Random, names: list[str], records: list[dict[str, str]]
) -> list[dict[str, str]]:
    """Return what was given to people and groups, for ever, for a while, or until a past day."""
    normal = [
        row["pid"]
        for row in records
        if row["group"]
        and (row["access"] == "closed" or (row["access"] == "embargoed" and lasts(row["until"])))
    ]
    found = {}
    for pid in random_.sample(normal, k=120):
        reader = random_.choice([random_.choice(names), f"group:g{random_.randrange(GROUPS):02d}"])
        fate = random_.choice(["", "past", "future"])
        until = days(random_, past=fate == "past") if fate else ""
        found[pid, reader] = {"pid": pid, "reader": reader, "until": until}
    return list(found.values())


def lasts(until: str) -> bool:
    """Whether a day, if there is one, is still to come."""
    return until == "" or date.fromisoformat(until) > TODAY


def seen(
    name: str, record: dict[str, str], members: list[dict[str, str]], given: list[dict[str, str]]
) -> str:
    """Return what a person sees of a dataset: letters of list, core, detail, bytes."""
    mine = [row for row in members if row["person"] == name and lasts(row["until"])]
    groups = {row["group"] for row in mine if row["group"] != "node"}
    is_steward = any(row["role"] == "steward" for row in mine)
    if record["access"] == "erased":
        return "----"
    if record["access"] == "withdrawn":
        return "-cd-" if is_steward else "-c--"
    is_embargoed = record["access"] == "embargoed"
    if record["access"] == "open" or (is_embargoed and not lasts(record["until"])):
        return "lcdb"
    readers = {name, *(f"group:{group}" for group in groups)}
    shared = any(
        row["pid"] == record["pid"] and row["reader"] in readers and lasts(row["until"])
        for row in given
    )
    in_charge = record["instrument"] and f"instrument:{record['instrument']}" in groups
    if is_steward or (record["group"] and record["group"] in groups) or in_charge or shared:
        return "lcdb"
    return "lc--" if is_embargoed else "----"


def write(name: str, rows: list[dict[str, str]]) -> None:
    """Write one table."""
    with (FOLDER / f"visibility-{name}.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def main() -> None:
    """Write the tables: people and groups, datasets, shares, and what everybody sees."""
    random_ = random.Random(20260601)
    names, members = people_and_members(random_)
    records = datasets(random_)
    given = shares(random_, names, records)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write("members", members)
    write("datasets", records)
    write("shares", given)
    table = [
        {"pid": record["pid"]} | {name: seen(name, record, members, given) for name in names}
        for record in records
    ]
    write("seen", table)


if __name__ == "__main__":
    main()
