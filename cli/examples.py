"""Examples at the end of the help pages, by command: what to type, and what it is for."""

from collections.abc import Mapping, Sequence

Example = tuple[str, str]

EXAMPLES: Mapping[str, Sequence[Example]] = {
    "": (
        ("pai up", "the local stack, on a simulated cluster"),
        ("pai status", "what runs, and what to do next"),
        ("pai size qwen3-32b --gpu H100", "does a model fit"),
    ),
    "status": (
        ("pai status", "every stack, and the parts of those that run"),
        ("pai status -s prod --json", "one stack, for a script"),
    ),
    "open": (
        ("pai open", "every address"),
        ("pai open chat", "the chat"),
        ("pai open grafana -s prod", "the dashboards of another stack"),
    ),
    "secret": (
        ("pai secret", "every name"),
        ("pai secret administrator", "where the first administrator's password is"),
        ("key=$(pai secret everyone --show)", "the API key of the team `everyone`"),
    ),
    "logs": (
        ("pai logs router -s prod", "the last lines of each pod"),
        ("pai logs chat -s prod --follow", "until Ctrl-C"),
    ),
    "drift": (
        ("pai drift -s prod", "what somebody changed by hand"),
        ("pai drift -s prod --format json --out drift.json", "for a script"),
    ),
    "explain": (
        ("pai explain models.chat.replicas", "type, default and meaning of a key"),
        ("pai explain no-privileged", "what a policy rule requires, and why"),
    ),
    "size": (
        ("pai size qwen3-32b", "on which GPUs, and how many"),
        ("pai size llama-3.3-70b --gpu H100 --gpus 4 --concurrency 16", "on these"),
        ("pai size --config config.json --dtype fp8", "a model of your own"),
    ),
    "plan": (
        ("pai plan -s prod", "the GPUs of a stack"),
        ("pai plan --config-file examples/mig.yaml --json", "of any file, for a script"),
    ),
    "config check": (("pai config check -s prod", "every problem of Pulumi.prod.yaml"),),
    "config reference": (("pai config reference", "after a change in config/settings"),),
    "preflight": (
        ("pai preflight -s prod --kubeconfig prod.yaml", "before the first deployment"),
        ("pai preflight -s prod --json", "for a script"),
    ),
    "up": (
        ("pai up", "the stack `local`"),
        ("pai up --config-file examples/mig.yaml", "another configuration"),
        ("pai up -s staging --reviewed review.json", "only what was reviewed"),
    ),
    "review": (
        ("pai review -s prod", "read it here"),
        ("pai review -s prod --format json --out review.json", "to apply it later"),
        ("pai review --from review.json --format html --out review.html", "as a page"),
    ),
    "apply": (
        ("pai apply -s prod --reviewed review.json", "and say what differs, if anything does"),
    ),
    "down": (
        ("pai down", "the stack `local`"),
        ("pai down --all --yes", "every simulated cluster, without a question"),
    ),
    "models list": (("pai models list -s prod", "which models the stack serves"),),
    "models pin": (
        ("pai models pin gpt-oss-20b", "its commit and digests, to be copied"),
        ("pai models pin --all -s prod", "written into Pulumi.prod.yaml"),
    ),
    "models fetch": (("pai models fetch qwen3-4b --to qwen3-4b", "download and verify"),),
    "models verify": (("pai models verify qwen3-4b", "compare every byte"),),
    "models import": (("pai models import qwen3-4b -s prod", "upload to the stack's mirror"),),
    "images list": (
        ("pai images list -s prod --format plain", "what a mirror must hold"),
        ("pai images list --json", "every image, for a script"),
    ),
    "images copy": (("pai images copy -s prod --to registry.example/mirror", "into a mirror"),),
    "images lock": (
        ("pai images lock --registry-prefix registry.example/mirror", "digests of a mirror"),
    ),
    "lint": (
        ("pai lint manifests/", "a folder"),
        ("helm template chart | pai lint -", "what a chart renders"),
    ),
    "render": (
        ("pai render -s prod --out main.json", "on the main branch"),
        ("pai render -s prod --against main.json --report report.json", "on the pull request's"),
    ),
    "comment": (
        (
            "pai comment --report report.json --forge github --pull 12 --commit SHA -s prod",
            "with GITHUB_TOKEN set",
        ),
    ),
    "permissions": (("pai permissions -s prod | kubectl apply -f -", "as an administrator"),),
    "sbom": (("pai sbom -s prod --out prod.cdx.json", "for a scanner, or an audit"),),
    "env": (
        ('eval "$(pai env)"', "plain pulumi and kubectl, on the simulated cluster of local"),
        ('eval "$(pai env --kubeconfig ~/.kube/config)"', "on a real one"),
    ),
    "sim up": (("pai sim up -s prod", "an empty cluster like that of prod"),),
    "sim down": (("pai sim down -s prod", "and nothing of it is left"),),
    "sim reset": (("pai sim reset -s prod", "empty again"),),
    "sim status": (("pai sim status", "of every stack"),),
    "toolchain build": (("pai toolchain build pulumi", "one group of parts"),),
    "toolchain doctor": (("pai toolchain doctor", "what is there, and what is missing"),),
    "toolchain verify": (("pai toolchain verify", "is it what was built"),),
    "toolchain path": (("pai toolchain path kubectl", "where a program is"),),
}
