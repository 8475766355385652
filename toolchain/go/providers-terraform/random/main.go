// The random provider.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	info "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/terraform-providers/terraform-provider-random/export"

	"private-ai/engine/providers-terraform/bridge"
)

var version string // stamped at build time

func main() {
	bridge.Serve(bridge.Package{
		Name:     "random",
		Version:  version,
		Provider: export.New(),
		Resources: map[string]string{
			"random_bytes":    "RandomBytes",
			"random_id":       "RandomId",
			"random_integer":  "RandomInteger",
			"random_password": "RandomPassword",
			"random_pet":      "RandomPet",
			"random_shuffle":  "RandomShuffle",
			"random_string":   "RandomString",
			"random_uuid":     "RandomUuid",
			"random_uuid4":    "RandomUuid4",
			"random_uuid7":    "RandomUuid7",
		},
		ComputeID: map[string]info.ComputeID{"random_bytes": fingerprint},
	})
}

// fingerprint identifies random bytes without telling them. An id is never secret in Pulumi's
// state; the published provider puts the bytes themselves there.
func fingerprint(_ context.Context, state resource.PropertyMap) (resource.ID, error) {
	value, ok := state["base64"]
	if ok && value.IsSecret() {
		value = value.SecretValue().Element
	}
	if !ok || !value.IsString() {
		return "", errors.New("random_bytes came back without its base64 text")
	}
	return resource.ID(fmt.Sprintf("sha256-%x", sha256.Sum256([]byte(value.StringValue())))), nil
}
