"""One finding of `pai lint`."""

from pydantic import BaseModel, ConfigDict, Field

from policies import Level, Severity


class LintFinding(BaseModel):
    """One finding, as `--format json` prints it."""

    model_config = ConfigDict(frozen=True)

    rule: str = Field(description="Id of the rule, as in docs/reference/policies.md.")
    level: Level = Field(description="mandatory blocks a deployment, advisory does not.")
    severity: Severity = Field(description="low, medium, high or critical.")
    file: str = Field(description="File, or stdin; empty if no object is concerned.")
    line: int = Field(description="Line of the field, or of the nearest above it; 0 without file.")
    resource: str = Field(description="KIND/NAMESPACE/NAME; empty if no object is concerned.")
    path: str = Field(description="Field of the object.")
    got: str = Field(description="Its value; never a secret.")
    allowed: str = Field(description="Allowed values.")
    change: str = Field(description="How to fix it.")

    @property
    def where(self) -> str:
        """`FILE:LINE`; empty without a file."""
        return f"{self.file}:{self.line}" if self.file else ""

    @property
    def text(self) -> str:
        """What is wrong and what to change, as a sentence."""
        about = f"{self.resource} {self.path}".strip()
        return f"{about}: got {self.got}; allowed: {self.allowed}; {self.change}"
