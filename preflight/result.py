"""The outcome of one check of the cluster."""

from typing import Literal

from base.model import Model
from base.problems import Problem

Status = Literal["ok", "problem", "unknown"]


class Result(Model):
    """One thing that was looked at."""

    check: str
    """What it is: `kubernetes version`, `storage class fast-nvme`."""
    status: Status
    """`unknown` where reading the API cannot tell."""
    found: str
    """What the cluster has."""
    remedy: str = ""
    """What to do; empty where nothing is."""


def ok(check: str, found: str) -> Result:
    """As the stack needs it."""
    return Result(check=check, status="ok", found=found)


def problem(check: str, found: str, remedy: str) -> Result:
    """Something that the deployment, or the stack in it, would fail on."""
    return Result(check=check, status="problem", found=found, remedy=remedy)


def unknown(check: str, found: str, remedy: str) -> Result:
    """Something that a person has to find out."""
    return Result(check=check, status="unknown", found=found, remedy=remedy)


def of_problem(check: str, each: Problem) -> Result:
    """A problem in four parts, as a result."""
    return problem(check, each.got, each.change)
