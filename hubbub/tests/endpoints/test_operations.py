"""What can be asked for by HTTP."""

from __future__ import annotations

from starlette.routing import Route

from hubbub.endpoints import health
from hubbub.endpoints.operations import OPERATIONS


def test_every_route_is_described(application) -> None:
    """What is described is what is there, but for the page."""
    routes = {
        (method, route.path)
        for route in application.routes
        if isinstance(route, Route) and route.path.startswith(("/v1/", *health.PATHS))
        for method in route.methods - {"HEAD"}
    }

    assert {(operation.method, operation.path) for operation in OPERATIONS} == routes


async def test_open_operations_need_no_token(program) -> None:
    """Nobody gets anything that isn't open, and is kept from nothing that is."""
    passwords = {"old": "correct horse", "new": "battery staple", "password": "correct horse"}
    for operation in OPERATIONS:
        path = operation.path.format(s="r_lobby", q=1, e="x", id="x", name="x")
        headers = {"Idempotency-Key": "nonce-01"}
        answer = await program.request(operation.method, path, json=passwords, headers=headers)
        assert (answer.status_code == 401) != operation.open, operation
