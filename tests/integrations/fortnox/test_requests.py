"""Every request of the client is one that Fortnox's own OpenAPI allows (facts.md 1)."""

import copy
import json
import re

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.fortnox import mapping
from integrations.fortnox.settings import FortnoxSettings

GLOBAL = {"limit", "page", "offset", "sortorder", "lastmodified"}  # facts.md 1: the spec lacks them
NOT_IN_THE_CUT = {"/3/archive", "/oauth-v1/token"}  # outside the 70 paths of the file


@pytest.fixture(scope="session")
def openapi(shared):
    return json.loads((shared / "fortnox" / "openapi-invoicing.json").read_text())


@pytest.fixture(scope="session")
def check(openapi):
    strict = copy.deepcopy(openapi["components"])
    for schema in strict["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False

    def validate(method, path, query, body):
        spec = operation(openapi, method, path)
        known = {one["name"]: one["schema"] for one in spec.get("parameters", [])}
        for name, value in query.items():
            assert name in known or name in GLOBAL, f"{method} {path} has no parameter {name}"
            allowed = known.get(name, {}).get("enum")
            assert allowed is None or value in allowed
        if "requestBody" in spec:
            schema = spec["requestBody"]["content"]["*/*"]["schema"]
            jsonschema.validate(body, {**schema, "components": strict})
        else:
            assert body is None

    return validate


def operation(openapi, method, path):
    for template, operations in openapi["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in operations:
            return operations[method.lower()]
    raise AssertionError(f"Fortnox has no {method} {path}")


def test_a_whole_run_sends_only_what_the_specification_knows(
    check, client, double, a_draft, played
):
    """Issue 8: every request of the client validates against openapi-invoicing.json."""
    double.registers.add_contract("7", "1002")
    client.company_information()
    client.preflight([a_draft(), a_draft(key="gone", accounting_number="9999")])
    client.find("AVT-beta-2026-11")
    number = client.create(a_draft()).number
    client.find("AVT-beta-2026-11")
    client.attach(number, "specifikation.pdf", b"%PDF-1.7")
    client.read(number)
    client.read("99")
    client.changed_since(played.now())
    seen = [request for request in double.requests if request.path not in NOT_IN_THE_CUT]
    assert len(seen) == len(double.requests) - 2
    for request in seen:
        body = json.loads(request.body) if request.body else None
        check(request.method, request.path, request.query, body)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(st.text(max_size=1500), min_size=5, max_size=5),
    ore=st.integers(-(10**10), 10**10),
)
def test_whatever_stands_in_a_draft_the_body_fits_the_specification(
    check, a_draft, a_row, texts, ore
):
    ours, yours, order, remarks, description = texts
    draft = a_draft(
        our_reference=ours,
        your_reference=yours,
        order_number=order,
        remarks=remarks,
        rows=(a_row(price=f"{ore / 100:.2f}", description=description),),
    )
    body = mapping.encode(mapping.payload(draft, FortnoxSettings("id", "secret")))
    check("POST", "/3/invoices", {}, json.loads(body))


def test_the_check_itself_refuses_a_name_that_fortnox_lacks(check):
    with pytest.raises(jsonschema.ValidationError):
        check("POST", "/3/invoices", {}, {"Invoice": {"CustomerNumber": "1", "Booked": False}})
    with pytest.raises(AssertionError, match="no parameter"):
        check("GET", "/3/invoices", {"comments": "x"}, None)
    with pytest.raises(AssertionError, match="has no DELETE"):
        check("DELETE", "/3/invoices/1", {}, None)
