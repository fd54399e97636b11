"""How a database's schema is compared with its description: SQLite's second copies are in none."""

from daemon.store.keeping.proofs.second_copies import PREFIX


def _is_described(_object, name, kind, _reflected, _compared) -> bool:
    return not (kind == "index" and name.startswith(PREFIX))


COMPARED = {"compare_type": False, "include_object": _is_described}
