"""`pai open`: the address of a page of the stack, in a browser where there is one."""

import json
import os
import sys
from typing import Annotated

import typer

from cli.options import AsJson, stack_option

_ALSO = {"grafana": "dashboards", "keycloak": "sign-in", "open-webui": "chat"}
"""Names of programs, for the pages that they serve."""
_PAGES = [*_ALSO, "api", "chat", "dashboards", "sign-in"]


def _pages(incomplete: str) -> list[str]:
    return [page for page in sorted(_PAGES) if page.startswith(incomplete)]


def open_page(
    page: Annotated[
        str | None,
        typer.Argument(
            metavar="PAGE",
            help="chat, api, dashboards (or grafana) or sign-in (or keycloak). Default: list all.",
            autocompletion=_pages,
        ),
    ] = None,
    stack: Annotated[str, stack_option("Stack of the page.")] = "local",
    as_json: AsJson = False,
) -> None:
    """Print the address of a page, open it in a browser, and say how to sign in the first time.

    Nothing is opened where there is no screen, or where the cluster is simulated: nothing answers.

    Exit codes: 0 printed, 1 the stack is not deployed or cannot be read, 2 no such page.
    """
    from base.problems import Problem
    from cli.deployed import require
    from cli.errors import UsageError

    found = require(stack)
    urls: dict[str, str] = found.outputs.get("urls", {})
    wanted = _ALSO.get(page or "", page)
    if wanted is not None and wanted not in urls:
        raise UsageError(
            Problem("PAGE", wanted, f"one of {', '.join([*urls, *_ALSO])}", "name one of these")
        )
    shown = {wanted: urls[wanted]} if wanted else urls
    if as_json:
        typer.echo(json.dumps({"stack": stack, "simulated": found.simulated, "urls": shown}))
        return
    for name, url in shown.items():
        typer.echo(url if wanted else f"{name:<12}{url}")
    if wanted is None:
        return
    for line in _remarks(wanted, stack, found.simulated, str(found.outputs.get("address", ""))):
        typer.echo(line, err=True)
    if not found.simulated and wanted != "api" and _has_screen():
        import webbrowser

        webbrowser.open(shown[wanted])


def _remarks(page: str, stack: str, simulated: bool, address: str) -> list[str]:
    """What one has to know beside the address."""
    lines = [f"The name must lead to {address}, in DNS or /etc/hosts."] if address else []
    if simulated:
        lines = ["The cluster is simulated: no container runs, so nothing answers there."]
    if page == "api":
        team = f"`pai secret TEAM --stack {stack} --show`"
        return [*lines, f"It takes a team's key as a bearer token: {team}"]
    lines.append(
        "First sign-in, as the administrator, who then adds the others:"
        f" `pai secret administrator --stack {stack} --show`"
    )
    if page == "dashboards":
        lines.append(f"Without Keycloak: user admin, `pai secret grafana --stack {stack} --show`")
    return lines


def _has_screen() -> bool:
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
