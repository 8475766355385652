"""`pai`: the command line of the stack."""

import typer

from cli import (
    apply,
    comment,
    config,
    drift,
    env,
    images,
    lint,
    models,
    permissions,
    plan,
    preflight,
    render,
    review,
    sbom,
    sim,
    size,
    toolchain,
    up,
)
from cli.errors import Commands

app = typer.Typer(
    name="pai",
    cls=Commands,
    help="Size, simulate, review and deploy a private AI stack on Kubernetes.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)
app.add_typer(toolchain.app, name="toolchain")
app.add_typer(sim.app, name="sim")
app.add_typer(images.app, name="images")
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")
app.command("size")(size.size)
app.command("plan")(plan.command)
app.command("lint")(lint.lint)
app.command("preflight")(preflight.preflight)
app.command("review")(review.review)
app.command("comment")(comment.comment)
app.command("apply")(apply.apply)
app.command("drift")(drift.command)
app.command("render")(render.command)
app.command("permissions")(permissions.permissions)
app.command("sbom")(sbom.sbom)
app.command("env")(env.env)
app.command("up")(up.up)
app.command("down")(up.down)

if __name__ == "__main__":
    app()
