"""The head of a report: downtime, data, cost, energy."""

from typing import Any

from catalog.gpus import gpus
from review.figures import Figure, figures
from tests.unit.review.review_support import of_events, reviewed

HOURS = 730
"""Of a month, as the clouds bill."""


def _figures(name: str) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures(reviewed(name), str)}


def test_what_stops_longest_and_what_is_lost_is_in_the_head() -> None:
    found = _figures("identities-removed")

    assert found["Downtime"] == Figure(
        "Downtime", "for good", "Cluster keycloak-db and 2 more", grave=True
    )
    assert found["Data"] == Figure("Data", "1 lost", "Cluster keycloak-db", grave=True)
    assert _figures("larger-model")["Downtime"] == Figure(
        "Downtime", "up to 10 min 50 s", "Deployment chat", grave=True
    )


def test_nothing_is_said_to_be_nothing() -> None:
    found = _figures("unchanged")

    assert (found["Downtime"].value, found["Data"].value) == ("none", "not at risk")
    assert not any(figure.grave for figure in found.values())


def test_an_incomplete_preview_has_no_figures() -> None:
    assert figures(reviewed("misspelt"), str) == []


def test_energy_is_that_of_the_boards_of_all_gpus_of_the_pools() -> None:
    pool = {"name": "p", "gpu": "h100-80gb", "gpus_used": 1, "gpus_available": 4}
    outputs: dict[str, Any] = {"gpus": {"pools": [pool], "models": []}}
    states = {"old": {"outputs": outputs}, "new": {"outputs": outputs}}
    report = of_events({"resOutputsEvent": {"metadata": {"type": "pulumi:pulumi:Stack", **states}}})

    [energy] = [a for a in report.amounts if a.unit == "kWh/month"]
    assert energy.after == 4 * gpus()["h100-80gb"].power_watts * HOURS / 1000
