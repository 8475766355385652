// Package bridge serves a Terraform provider as a Pulumi resource plugin.
package bridge

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"
	info "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// Package is what the bridge cannot know of the Terraform provider by itself.
type Package struct {
	Name     string // of the Pulumi package and of the Terraform provider: both are the same here
	Version  string // semver, stamped at build time
	Provider provider.Provider
	// Resources names the Pulumi type of each Terraform type.
	Resources map[string]string
	// Functions names the Pulumi function of each Terraform data source.
	Functions map[string]string
	// ComputeID gives an id to the types that have none of their own.
	ComputeID map[string]info.ComputeID
}

// Serve runs the plugin until the engine ends it. The package schema, which published plugins
// carry with them, is generated at start: a fraction of a second for so few types.
func Serve(p Package) {
	ctx := context.Background()
	described := info.ProviderInfo{
		Name:         p.Name,
		Version:      p.Version,
		P:            tfbridge.ShimProvider(p.Provider),
		Resources:    map[string]*info.ResourceInfo{},
		DataSources:  map[string]*info.DataSourceInfo{},
		MetadataInfo: info.NewProviderMetadata([]byte("{}")),
	}
	for from, to := range p.Resources {
		described.Resources[from] = &info.ResourceInfo{
			Tok:       tokens.Type(token(p.Name, to)),
			ComputeID: p.ComputeID[from],
		}
	}
	for from, to := range p.Functions {
		described.DataSources[from] = &info.DataSourceInfo{Tok: tokens.ModuleMember(token(p.Name, to))}
	}
	quiet := diag.DefaultSink(io.Discard, os.Stderr, diag.FormatOptions{Color: colors.Never})
	generated, err := tfgen.GenerateSchema(ctx, tfgen.GenerateSchemaOptions{
		ProviderInfo:    described,
		DiagnosticsSink: quiet,
		XInMemoryDocs:   true,
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-%s: no schema: %v\n", p.Name, err)
		os.Exit(1)
	}
	tfbridge.Main(ctx, p.Name, described, generated.ProviderMetadata)
}

// token is "package:index/memberName:MemberName".
func token(pkg, member string) string {
	return fmt.Sprintf("%s:index/%s:%s", pkg, strings.ToLower(member[:1])+member[1:], member)
}
