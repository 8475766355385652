"""The types that every component's arguments are made of."""

from typing import TypeVar, Union

from pulumi import Output

from base.model import Model

T = TypeVar("T")

Args = Model
"""Base of every `…Args`: closed and frozen (see `config.base.Model`)."""

# Not `pulumi.Input[T]`: it is a forward reference that pydantic cannot build into a model. With
# this union a constraint on the field still binds a plain value; an Output passes as it is.
Late = Union[T, Output[T]]  # noqa: UP007 - a generic alias needs Union at run time
"""A value that merely flows: plain, or known only once something else exists."""
