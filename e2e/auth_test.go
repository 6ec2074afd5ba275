package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// The keys of docs/examples/hubcap.toml.
const (
	adminKey, adminSecret, adminAccount       = "AKIAHUBCAPEXAMPLEAAA", "hubcap/example/secret/of/account/one0000", "111122223333"
	scannerKey, scannerSecret, scannerAccount = "AKIAHUBCAPEXAMPLEBBB", "hubcap/example/secret/of/account/two0000", "222233334444"
	partnerKey, partnerSecret                 = "AKIAHUBCAPPARTNER000", "hubcap/example/secret/of/the/partner0000"
)

// checked is a hub that verifies signatures, by the example configuration as it stands.
func checked(t *testing.T, args ...string) *server {
	t.Helper()
	return serve(t, append([]string{"--auth", "sigv4", "--config", "docs/examples/hubcap.toml"}, args...)...)
}

func TestSignaturesAreChecked(t *testing.T) {
	hub := checked(t)
	admin := hub.signed(adminKey, adminSecret, region)
	imports(t, admin, newFinding(adminAccount, "a"))
	require.Equal(t, "Title of a", *get(t, admin, "a").Title)

	_, err := hub.signed(adminKey, "another secret", region).DescribeHub(t.Context(), &securityhub.DescribeHubInput{})
	require.ErrorContains(t, err, "InvalidSignatureException")
	require.ErrorContains(t, err, "does not match the signature you provided")
	_, err = hub.signed(mine, "any", region).DescribeHub(t.Context(), &securityhub.DescribeHubInput{})
	require.ErrorContains(t, err, "UnrecognizedClientException: The security token included in the request is invalid.")

	require.NotContains(t, hub.said(), adminSecret)
}

// TestEscapedPaths: the SDK signs a path that is escaped twice; ARNs in paths hold slashes and colons.
func TestEscapedPaths(t *testing.T) {
	admin := checked(t).signed(adminKey, adminSecret, region)
	arn := enableProwler(t, admin)
	_, err := admin.DisableImportFindingsForProduct(t.Context(), &securityhub.DisableImportFindingsForProductInput{ProductSubscriptionArn: &arn})
	require.NoError(t, err)
}

func TestAccountsAreApart(t *testing.T) {
	hub := checked(t)
	admin, scanner := hub.signed(adminKey, adminSecret, region), hub.signed(scannerKey, scannerSecret, region)
	imports(t, admin, newFinding(adminAccount, "a"))
	imports(t, scanner, newFinding(scannerAccount, "b"))
	require.Equal(t, []string{"a"}, ids(find(t, admin, types.AwsSecurityFindingFilters{})))
	require.Equal(t, []string{"b"}, ids(find(t, scanner, types.AwsSecurityFindingFilters{})))
	_, err := batchImport(t.Context(), scanner, newFinding(adminAccount, "c"))
	require.ErrorContains(t, err, "AccessDeniedException: User: arn:aws:iam::"+scannerAccount+":user/scanner is not authorized to perform: securityhub:BatchImportFindings")
}

func TestPolicies(t *testing.T) {
	scanner := checked(t).signed(scannerKey, scannerSecret, region)
	describe(t, scanner)
	_, err := scanner.DisableSecurityHub(t.Context(), &securityhub.DisableSecurityHubInput{})
	require.ErrorContains(t, err, "AccessDeniedException: User: arn:aws:iam::"+scannerAccount+":user/scanner is not authorized to perform: securityhub:DisableSecurityHub on resource: ")
	describe(t, scanner)
}

// TestPartner: a key that is allow-listed for a product imports it into the accounts of its customers, and fails finding by finding.
func TestPartner(t *testing.T) {
	hub := checked(t, "--profile", "aws")
	admin := hub.signed(adminKey, adminSecret, region)
	partner := hub.signed(partnerKey, partnerSecret, region)
	product := func(f *types.AwsSecurityFinding) { f.ProductArn = aws.String(prowler) }
	enable(t, admin)
	enableProwler(t, admin)
	out, err := batchImport(t.Context(), partner, newFinding(adminAccount, "a", product), newFinding(scannerAccount, "b", product))
	require.NoError(t, err)
	require.EqualValues(t, 1, *out.SuccessCount)
	require.Len(t, out.FailedFindings, 1)
	require.Equal(t, "b InvalidAccess", *out.FailedFindings[0].Id+" "+*out.FailedFindings[0].ErrorCode)
	require.Equal(t, "Prowler", *get(t, admin, "a").ProductName)

	_, err = batchImport(t.Context(), partner, newFinding(adminAccount, "c"))
	require.ErrorContains(t, err, "AccessDeniedException")
}

// TestCallerIdentity asks as clients do before all else: STS's query protocol, on the path /.
func TestCallerIdentity(t *testing.T) {
	ask := func(hub *server, key string) string {
		form := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}.Encode()
		r := hub.signedRequest(t, key, region, "/", []byte(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		a := send(t, r)
		require.Equal(t, 200, a.Status, a.Body)
		return a.Body
	}
	hub := serve(t)
	text := ask(hub, mine)
	require.Contains(t, text, "<Arn>arn:aws:iam::"+mine+":user/"+mine+"</Arn>")
	require.Contains(t, text, "<Account>"+mine+"</Account>")
	require.True(t, strings.HasPrefix(text, "<GetCallerIdentityResponse "), text)
	require.Contains(t, ask(hub, operator), "<Arn>arn:aws:iam::123456789012:user/operator</Arn>")
}
