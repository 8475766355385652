// The kubernetes provider's own server under a main of ours: its own main embeds two generated
// files that are not part of the published module.
package main

import (
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func main() {
	// The package schema and the Terraform mapping serve code generation and conversion only.
	none := []byte("{}")
	provider.Serve("kubernetes", version.Version, none, none)
}
