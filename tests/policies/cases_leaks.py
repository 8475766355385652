"""Cases of the rules about secrets."""

from tests.policies.cases import Case, Compliant, NotApplicable, Violating
from tests.policies.manifests import (
    BOX,
    CANARY,
    args,
    change,
    config_map,
    cron_job,
    env,
    secret,
    service,
    workload,
)

_KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----\n"
_OF_SECRET = {"name": "token", "key": "token"}

LEAKS: tuple[Case, ...] = (
    *(
        Violating(
            "no-secret-in-env",
            f"a literal {name}",
            [change(workload(), *env(name, CANARY))],
            f"containers[server].env[{name}].value",
            (0, (*BOX, "env", 0, "value")),
        )
        for name in (
            "POSTGRES_PASSWORD",
            "HF_TOKEN",
            "QDRANT__SERVICE__API_KEY",
            "LITELLM_MASTER_KEY",
            "clientSecret",
            "REDISCLI_AUTH",
        )
    ),
    Violating(
        "no-secret-in-env",
        "a URL with a password under a harmless name",
        [change(workload(), *env("DATABASE_URL", f"postgresql://app:{CANARY}@db/app"))],
        "env[DATABASE_URL].value",
    ),
    Violating(
        "no-secret-in-env",
        "a private key under a harmless name",
        [change(workload(), *env("CERTIFICATE", _KEY))],
        "env[CERTIFICATE].value",
    ),
    Violating(
        "no-secret-in-env",
        "a variable filled from a Secret",
        [
            change(
                workload(),
                (*BOX, "env", 0),
                {"name": "X", "valueFrom": {"secretKeyRef": _OF_SECRET}},
            )
        ],
        "env[X].valueFrom",
        (0, (*BOX, "env")),
    ),
    Violating(
        "no-secret-in-env",
        "an environment filled from a whole Secret",
        [change(workload(), (*BOX, "envFrom", 0), {"secretRef": {"name": "token"}})],
        "envFrom[0].secretRef",
        (0, (*BOX, "envFrom")),
    ),
    *(
        Compliant("no-secret-in-env", f"{name}={value}", [change(workload(), *env(name, value))])
        for name, value in (
            ("POSTGRES_PASSWORD_FILE", "/run/secrets/postgres/password"),
            ("POSTGRES_PASSWORD", "/run/secrets/postgres/password"),
            ("MAX_TOKENS", "4096"),
            ("TOKEN_URL", "https://auth.example.org/token"),
            ("PASSWORD_POLICY", "length(12)"),
            ("ENABLE_API_KEY", "true"),
            ("DATABASE_URL", "postgresql://app@db/app"),
            ("DATABASE_URL", "postgresql://app:${PASSWORD}@db/app"),
            ("MONKEY", "banana"),
        )
    ),
    Compliant(
        "no-secret-in-env",
        "an environment filled from a ConfigMap",
        [change(workload(), (*BOX, "envFrom", 0), {"configMapRef": {"name": "settings"}})],
    ),
    NotApplicable("no-secret-in-env", "a Secret", [secret(password=CANARY)]),
    *(
        Violating(
            "no-secret-in-args",
            sentence,
            [change(workload(), *args(*words))],
            at,
            (0, (*BOX, "args")),
        )
        for sentence, words, at in (
            ("an option with a password", [f"--api-key={CANARY}"], "args[0]"),
            ("the same before another option", [f"--api-key={CANARY}", "--debug"], "args[0]"),
            ("an option followed by a password", ["serve", "--token", CANARY], "args[1]"),
            ("an option that a variable fills", ["--api-key=$(API_KEY)"], "args[0]"),
            (
                "a script that passes a file's content on",
                ["sh", "-c", 'exec serve --api-key "$(cat /run/secrets/key)"'],
                "args[2]",
            ),
            ("a URL with a password", [f"--db=postgresql://app:{CANARY}@db/app"], "args[0]"),
        )
    ),
    Violating(
        "no-secret-in-args",
        "a password on the command of a CronJob",
        [change(cron_job(), ("spec", "jobTemplate", *BOX, "command"), [f"--password={CANARY}"])],
        "spec.jobTemplate.spec.template.spec.containers[server].command[0]",
    ),
    Compliant(
        "no-secret-in-args",
        "options that name files, numbers and switches",
        [
            change(
                workload(),
                *args("--api-key-file=/run/secrets/key", "--password", "/run/secrets/password"),
            ),
            change(workload(), *args("--max-tokens=4096", "--use-token=true", "--token", "--x")),
            change(workload(), *args("sh", "-c", "grep -- --token; true", "start")),
        ],
    ),
    NotApplicable("no-secret-in-args", "a Service", [service()]),
    *(
        Violating(
            "no-secret-in-config-map",
            sentence,
            [config_map(**{key: text})],
            at,
            (0, ("data", key.replace("__", "."))),
        )
        for sentence, key, text, at in (
            ("a private key", "tls__key", _KEY, "data[tls.key]"),
            ("a password as a whole value", "password", CANARY, "data[password]"),
            (
                "a password in YAML",
                "app__yaml",
                f"db:\n  password: {CANARY}\n",
                "data[app.yaml] line 2",
            ),
            (
                "a client secret in JSON",
                "realm__json",
                f'{{\n"clientId": "ui",\n"secret": "{CANARY}",\n"enabled": true}}',
                "data[realm.json] line 3",
            ),
            ("a token in an ini file", "app__ini", f"api_key = {CANARY}", "data[app.ini] line 1"),
            ("a Redis password", "redis__conf", f"requirepass {CANARY}", "data[redis.conf] line 1"),
            ("a token in code", "run__py", f'TOKEN = "{CANARY}"', "data[run.py] line 1"),
            (
                "a URL with a password",
                "app__conf",
                f"db=postgresql://app:{CANARY}@db/app",
                "data[app.conf]",
            ),
        )
    ),
    Compliant(
        "no-secret-in-config-map",
        "references, files, code that reads, and words about secrets",
        [
            config_map(
                app__yaml="password: ${DB_PASSWORD}\napi_key: os.environ/KEY\n"
                "token: /run/secrets/token\npassword_file: x\nsecret: ''\n",
                realm__json='{"passwordPolicy": "length(12)", "accessTokenLifespan": 300,\n'
                '"clientAuthenticatorType": "client-secret"}',
                run__py="token = Path(argv[1]).read_text()\nkey: str\npassword = secret\n",
                mode="production",
                **{"db.password": "/run/secrets/password"},
                ca__crt="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            )
        ],
    ),
    NotApplicable("no-secret-in-config-map", "a Secret", [secret(password=CANARY)]),
)
