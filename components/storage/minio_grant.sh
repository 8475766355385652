# Grant one client access to one bucket: a user, a policy, and their attachment; idempotent.
# Reads files: /run/secrets/root/{user,password}, /run/secrets/grant/{access-key,secret-key},
# /etc/grant/policy.json. $1: host and port of the store, $2: name of the policy and of the user.
set -eu
export MC_CONFIG_DIR=/tmp/mc
MC_HOST_store="https://$(cat /run/secrets/root/user):$(cat /run/secrets/root/password)@$1"
export MC_HOST_store

# Through standard input, since arguments are visible in the process list.
printf '%s\n%s\n' "$(cat /run/secrets/grant/access-key)" "$(cat /run/secrets/grant/secret-key)" |
  mc admin user add store
mc admin policy create store "$2" /etc/grant/policy.json
if ! output=$(mc admin policy attach store "$2" --user "$2" 2>&1); then
  case "$output" in
    *"already in effect"*) ;;
    *) echo "$output" >&2; exit 1 ;;
  esac
fi
echo "$2 granted"
