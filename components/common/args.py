"""The types that the arguments of every component are made of."""

from typing import TypeVar, Union

from pulumi import Output

from base.model import Model

T = TypeVar("T")

Args = Model
"""Base of every `…Args`: closed and frozen (see `base.model.Model`)."""

# Not `pulumi.Input[T]`: it is a forward reference that pydantic cannot build into a model. With
# this union a constraint on the field still binds a plain value; an Output passes unchecked.
MaybeOutput = Union[T, Output[T]]  # noqa: UP007 - a generic alias needs Union at run time
"""A plain value, or an Output that is known only after another resource exists."""
