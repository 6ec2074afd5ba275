package hub

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuiltinCatalogue(t *testing.T) {
	rows, err := parseProducts(builtinProducts)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(rows), 20)
	seen := map[ids]bool{}
	var order []ids
	for i := range rows {
		id := ids{rows[i].Company, rows[i].Product}
		require.False(t, seen[id], "%s stands twice", id)
		seen[id] = true
		order = append(order, id)
		arn := rows[i].arn("eu-west-1")
		a, ok := parseProductARN(arn)
		require.True(t, ok, arn)
		require.Equal(t, rows[i].Account, a.account)
		require.LessOrEqual(t, len(rows[i].CompanyName), 128)
	}
	require.True(t, slices.IsSortedFunc(order, compareIDs), "the file must be sorted by ids")
}

// The products that hubcap's reference material names (D56). A document of AWS's guides or of a scanner that carries one of these
// must find its product.
func TestCatalogueHoldsTheProductsPeopleImportUnder(t *testing.T) {
	c, err := newCatalog(nil)
	require.NoError(t, err)
	for arn, want := range map[string][2]string{
		"arn:aws:securityhub:us-east-1::product/prowler/prowler":                                      {"Prowler", "Prowler"},
		"arn:aws:securityhub:us-east-1::product/aws/securityhub":                                      {"AWS", "Security Hub"},
		"arn:aws:securityhub:us-east-1::product/aws/inspector":                                        {"Amazon", "Inspector"},
		"arn:aws:securityhub:us-east-1::product/aws/guardduty":                                        {"Amazon", "GuardDuty"},
		"arn:aws:securityhub:us-east-1::product/aws/config":                                           {"AWS", "Config"},
		"arn:aws:securityhub:us-east-1::product/aws/health":                                           {"AWS", "Health"},
		"arn:aws:securityhub:us-east-1::product/aws/access-analyzer":                                  {"AWS", "IAM Access Analyzer"},
		"arn:aws:securityhub:us-east-1::product/aws/ssm-patch-manager":                                {"AWS", "Systems Manager Patch Manager"},
		"arn:aws:securityhub:us-east-1::product/aquasecurity/aquasecurity":                            {"Aqua Security", "Aqua Cloud Native Security Platform"},
		"arn:aws:securityhub:us-east-1::product/aqua-security/kube-bench":                             {"Aqua Security", "Kube-bench"},
		"arn:aws:securityhub:us-east-1::product/cloud-custodian/cloud-custodian":                      {"Cloud Custodian", "Cloud Custodian"},
		"arn:aws:securityhub:us-east-1:422820575223:product/tenable/tenable-io":                       {"Tenable", "Tenable.io"},
		"arn:aws:securityhub:us-east-1:517716713836:product/crowdstrike/crowdstrike-falcon":           {"CrowdStrike", "CrowdStrike Falcon"},
		"arn:aws:securityhub:us-east-1:336818582268:product/rapid7/insightvm":                         {"Rapid7", "InsightVM"},
		"arn:aws-us-gov:securityhub:us-gov-west-1:733251395267:product/alertlogic/althreatmanagement": {"Alert Logic", "SIEMless Threat Management"},
	} {
		a, ok := parseProductARN(arn)
		require.True(t, ok, arn)
		p := c.lookup(a)
		require.NotNil(t, p, arn)
		require.Equal(t, want, [2]string{p.CompanyName, p.ProductName}, arn)
		require.Equal(t, arn, p.arn(a.region))
		require.True(t, p.sends(), arn)
	}
}

// Every product of the published findings, when they are at hand, is in the catalogue or somebody's default product.
func TestCatalogueHoldsThePublishedFindings(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/asff/*.json")
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("the published findings are not beside the project")
	}
	c, err := newCatalog(nil)
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var list []struct{ ProductArn string }
		require.NoError(t, json.Unmarshal(raw, &list), file)
		for _, f := range list {
			if a, ok := parseProductARN(f.ProductArn); ok && !a.isDefault() {
				require.NotNil(t, c.lookup(a), "%s: %s", filepath.Base(file), f.ProductArn)
			}
		}
	}
}

func TestConfiguredProducts(t *testing.T) {
	c, err := newCatalog([]Product{
		{Company: "prowler", Product: "prowler", CompanyName: "Ours"},
		{Company: "acme", Product: "scan", Account: "111122223333"},
	})
	require.NoError(t, err)
	a, _ := parseProductARN("arn:aws:securityhub:us-east-1::product/prowler/prowler")
	require.Equal(t, "Ours", c.lookup(a).CompanyName)
	require.Equal(t, "prowler", c.lookup(a).ProductName)
	a, _ = parseProductARN("arn:aws:securityhub:us-east-1::product/acme/scan")
	require.Nil(t, c.lookup(a), "the product's ARN names an account")
	a.account = "111122223333"
	require.Equal(t, "acme", c.lookup(a).CompanyName)

	for want, p := range map[string]Product{
		"letters, digits":     {Company: "a b", Product: "c"},
		"12 digits":           {Company: "a", Product: "c", Account: "1"},
		"by itself":           {Company: "111122223333", Product: "default"},
		"integration type":    {Company: "a", Product: "c", IntegrationTypes: []string{"send"}},
		"longer than 128":     {Company: "a", Product: "c", ProductName: strings.Repeat("x", 129)},
		`must be 1 to 128 le`: {Company: "", Product: "c"},
	} {
		_, err := newCatalog([]Product{p})
		require.ErrorContains(t, err, want)
	}
	_, err = newCatalog([]Product{{Company: "a", Product: "b"}, {Company: "a", Product: "b"}})
	require.ErrorContains(t, err, "configured twice")
}

func TestParseProductsNamesTheLine(t *testing.T) {
	for table, want := range map[string]string{
		"# head\n-\ta/b\tsend\tA":          "products.tsv:2: 4 columns, not 6",
		"-\ta/b\tsends\tA\tB\tguide":       `products.tsv:1: integration "sends"`,
		"-\ta/b\tsend\t\tB\tguide":         "products.tsv:1: company, product and source may not be empty",
		"-\ta\tsend\tA\tB\tguide":          "products.tsv:1: product \"a/\": company and product must be",
		"12\ta/b\tsend\tA\tB\tguide":       `products.tsv:1: product a/b: account "12" must have 12 digits`,
		"-\ta/b\tsend\tA\tB\tguide\textra": "products.tsv:1: 7 columns, not 6",
	} {
		_, err := parseProducts(table)
		require.ErrorContains(t, err, want)
	}
}

// The file says where each row is from, in words its head explains.
func TestEveryRowTellsItsSource(t *testing.T) {
	explained := map[string]bool{}
	sc := bufio.NewScanner(strings.NewReader(builtinProducts))
	for sc.Scan() {
		line := sc.Text()
		if rest, ok := strings.CutPrefix(line, "#     "); ok {
			explained[strings.Fields(rest)[0]] = true
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		for source := range strings.SplitSeq(strings.Split(line, "\t")[5], ",") {
			require.True(t, explained[source], "%q is not explained: %s", source, line)
		}
	}
	require.NoError(t, sc.Err())
}

func TestTagKeys(t *testing.T) {
	for _, k := range []string{"a", "Team", "cost-centre", "a.b:c/d", "x=y", "1", "_"} {
		require.True(t, isTagKey(k), k)
	}
	for _, k := range []string{"", "aws:created", "a b", "é", "a*", "a@b", strings.Repeat("k", 129)} {
		require.False(t, isTagKey(k), k)
	}
}
