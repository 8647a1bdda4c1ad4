"""What a package lets an author write: a data-availability statement, notes on the policy."""

from collections.abc import Sequence

from panosc.publication.record import Publication, day


def statement(package: Publication, datasets: Sequence[Publication]) -> str:
    """Return the paragraph on data availability that journals ask for."""
    where = f"The data that support this work are available at {package.identifier}"
    terms = "" if package.licence is None else f" under {package.licence.name}"
    found = [f"{where} from {package.publisher.name}{terms}."]
    waiting = [item for item in datasets if item.access == "embargoed"]
    if waiting:
        ends = sorted(day(item.opens) for item in waiting if item.opens is not None)
        until = f" until {ends[-1]}" if ends else ""
        is_all = len(waiting) == len(datasets)
        count = "All of them" if is_all else f"{len(waiting)} of the datasets"
        verb = "is" if len(waiting) == 1 and len(datasets) > 1 else "are"
        found.append(
            f"{count} {verb} under embargo{until}; their metadata are public, and access can be "
            "asked for there."
        )
    return " ".join(found)


def notes(datasets: Sequence[Publication]) -> list[str]:
    """Return what the policy does with the datasets of a package."""
    found: list[str] = []
    for item in datasets:
        if item.access == "embargoed":
            until = "" if item.opens is None else f" until {day(item.opens)}"
            found.append(f"“{item.title}” stays under embargo{until}; its data do not open.")
        elif item.access == "withdrawn":
            found.append(f"“{item.title}” was withdrawn: its data are not given.")
    if not found:
        found.append("All of its datasets are open to everyone.")
    return found
