"""`pai`: the command line over the engine, the simulated cluster, sizing and images."""

import typer

from cli import config, engine, env, images, sim, up

app = typer.Typer(
    name="pai",
    help="A private AI stack on Kubernetes: its toolchain, simulated cluster, sizing and images.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)
app.add_typer(engine.app, name="engine")
app.add_typer(sim.app, name="sim")
app.add_typer(images.app, name="images")
app.add_typer(config.app, name="config")
app.command("env")(env.env)
app.command("up")(up.up)
app.command("down")(up.down)

if __name__ == "__main__":
    app()
