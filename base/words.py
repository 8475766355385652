"""Text with a form, as a type of a field: what does not have the form is refused in words."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True)
class Words:
    """Annotates `str` with the form that it must have; a pattern alone would be quoted as such."""

    pattern: str
    """The form, a regular expression of the whole text that JSON schemas understand too."""
    allowed: str
    """The form in words, for the message."""
    longest: int
    """Most characters."""
    change: Callable[[str], str | None] = lambda _: None
    """The change for a text without the form; None: to correct the field."""
    secret: bool = False
    """Whether no message may quote the text."""

    def check(self, text: str) -> str:
        """*text*. Raises PydanticCustomError, with the words and the change."""
        if len(text) <= self.longest and re.fullmatch(self.pattern, text, re.ASCII):
            return text
        context: dict[str, Any] = {"secret": self.secret}
        if change := self.change(text):
            context["change"] = change
        kind, message = "words", self._message()
        raise PydanticCustomError(kind, message, context)  # type: ignore[arg-type]

    def _message(self) -> str:
        # Braces would be read as places of a template.
        return f"{self.allowed}; at most {self.longest} characters".replace("{", "(")

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The check, after that of `str`."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The form, for editors."""
        return handler(schema) | {"pattern": f"^({self.pattern})$", "maxLength": self.longest}
