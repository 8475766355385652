"""The base of every typed model in this project: closed, frozen, documented."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A closed, immutable pydantic model.

    A key that the model does not define is an error (`extra="forbid"`), so a misspelt setting is
    reported with its path instead of being ignored. Values are of the type that is declared: no
    `"no"` for false, no `true` for 1, no infinity.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,
        validate_default=True,
    )
