"""What applies to one stack: its waivers, and what is declared of its cluster."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from base.problems import Problem
from policies import facts
from policies.rules.data import ENCRYPTED
from policies.rules.model import Facts
from policies.waivers import Waivers, load, stack_file, with_stack


def stack_policy(stack: str, folder: Path | None) -> tuple[Waivers, Facts]:
    """The waivers and the facts of *stack*, whose program is in *folder*; None: of any stack.

    Raises as `policies.waivers.load`.
    """
    if folder is None:
        return load(), facts.of_settings()
    return with_stack(load(), folder, stack), facts.of_file(folder / f"Pulumi.{stack}.yaml")


def undeclared(stack: str, folder: Path, used: Mapping[str, str]) -> Iterator[Problem]:
    """A problem for each storage class of *used* that the policies will refuse.

    *used* maps each class that the stack uses to its path in the stack's file.
    """
    waivers, known = stack_policy(stack, folder)
    for name, path in used.items():
        if name not in known.encrypted_classes and not waivers.mention(ENCRYPTED.id, name, stack):
            yield Problem(
                path=f"{path}.encrypted_by",
                got=f"nothing for {name}, whose volumes hold prompts, documents and secrets",
                allowed="what encrypts the disks, such as LUKS on each Ceph OSD",
                change="Add encrypted_by to the class; if its disks are not encrypted, waive"
                f" {ENCRYPTED.id} in {stack_file(folder, stack).name}.",
            )
