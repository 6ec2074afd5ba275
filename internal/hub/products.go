package hub

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/iam"
)

// Integration types of a product, as the API names them.
const (
	SendsFindings    = "SEND_FINDINGS_TO_SECURITY_HUB"
	ReceivesFindings = "RECEIVE_FINDINGS_FROM_SECURITY_HUB"
	UpdatesFindings  = "UPDATE_FINDINGS_IN_SECURITY_HUB"
)

// Product is a row of the catalogue: a product that findings may come from.
type Product struct {
	Account          string   // 12 digits when the product's ARN names an account, else ""
	Company, Product string   // the ids in the ARN: product/COMPANY/PRODUCT
	CompanyName      string   // as findings show it; "" means the id
	ProductName      string   // likewise
	Description      string   // optional
	Categories       []string // optional
	IntegrationTypes []string // SendsFindings, ReceivesFindings, UpdatesFindings; empty means SendsFindings
	MarketplaceURL   string   // optional
	ActivationURL    string   // optional
}

// ids is how a product is named within a Region. Two products of one catalogue never share it.
type ids struct{ company, product string }

func (i ids) String() string { return i.company + "/" + i.product }

func compareIDs(a, b ids) int { return strings.Compare(a.String(), b.String()) }

// sends tells whether findings may come from the product.
func (p *Product) sends() bool { return slices.Contains(p.IntegrationTypes, SendsFindings) }

// arn is the product's ARN in a Region.
func (p *Product) arn(region string) string {
	return productARN{
		partition: partitionOf(region), region: region, account: p.Account, company: p.Company, product: p.Product,
	}.String()
}

//go:embed products.tsv
var builtinProducts string

// catalog holds the known products. It is never changed after it is built.
type catalog struct {
	byIDs map[ids]*Product
	order []ids // sorted
}

// newCatalog joins the built-in products with those of the configuration, which win.
func newCatalog(more []Product) (*catalog, error) {
	builtin, err := parseProducts(builtinProducts)
	if err != nil {
		return nil, err
	}
	c := &catalog{byIDs: make(map[ids]*Product, len(builtin)+len(more))}
	for i := range builtin {
		c.byIDs[ids{builtin[i].Company, builtin[i].Product}] = &builtin[i]
	}
	configured := make(map[ids]bool, len(more))
	for _, p := range more {
		if err := checkProduct(&p); err != nil {
			return nil, err
		}
		id := ids{p.Company, p.Product}
		if configured[id] {
			return nil, fmt.Errorf("product %s: configured twice", id)
		}
		configured[id] = true
		c.byIDs[id] = &p
	}
	c.order = slices.SortedFunc(maps.Keys(c.byIDs), compareIDs)
	return c, nil
}

// lookup finds the product an ARN names; nil when nobody registered it.
func (c *catalog) lookup(a productARN) *Product {
	p := c.byIDs[ids{a.company, a.product}]
	if p == nil || p.Account != a.account {
		return nil
	}
	return p
}

// checkProduct refuses a configured product that could not be named by an ARN, and fills in what may be left out.
func checkProduct(p *Product) error {
	id := ids{p.Company, p.Product}
	switch {
	case !isProductID(p.Company) || !isProductID(p.Product):
		return fmt.Errorf("product %q: company and product must be 1 to 128 letters, digits, or one of -_.+=@", id.String())
	case p.Account != "" && !isAccount(p.Account):
		return fmt.Errorf("product %s: account %q must have 12 digits", id, p.Account)
	case p.Product == "default" && isAccount(p.Company):
		return fmt.Errorf("product %s: every account has this product by itself", id)
	}
	if p.CompanyName == "" {
		p.CompanyName = p.Company
	}
	if p.ProductName == "" {
		p.ProductName = p.Product
	}
	if len(p.IntegrationTypes) == 0 {
		p.IntegrationTypes = []string{SendsFindings}
	}
	for _, t := range p.IntegrationTypes {
		if t != SendsFindings && t != ReceivesFindings && t != UpdatesFindings {
			return fmt.Errorf("product %s: integration type %q must be %s, %s or %s", id, t, SendsFindings, ReceivesFindings, UpdatesFindings)
		}
	}
	for name, v := range map[string]string{"company name": p.CompanyName, "product name": p.ProductName} {
		if len(v) > 128 {
			return fmt.Errorf("product %s: %s is longer than 128 bytes", id, name)
		}
	}
	return nil
}

var integrationWords = map[string]string{"send": SendsFindings, "receive": ReceivesFindings, "update": UpdatesFindings}

// parseProducts reads the table whose form products.tsv explains in its head.
func parseProducts(table string) ([]Product, error) {
	var all []Product
	n := 0
	for line := range strings.Lines(table) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		p, err := parseProduct(line)
		if err != nil {
			return nil, fmt.Errorf("products.tsv:%d: %w", n, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func parseProduct(line string) (Product, error) {
	cols := strings.Split(line, "\t")
	if len(cols) != 6 {
		return Product{}, fmt.Errorf("%d columns, not 6", len(cols))
	}
	var p Product
	if cols[0] != "-" {
		p.Account = cols[0]
	}
	p.Company, p.Product, _ = strings.Cut(cols[1], "/")
	for w := range strings.SplitSeq(cols[2], ",") {
		t, ok := integrationWords[w]
		if !ok {
			return p, fmt.Errorf("integration %q", w)
		}
		p.IntegrationTypes = append(p.IntegrationTypes, t)
	}
	p.CompanyName, p.ProductName = cols[3], cols[4]
	if p.CompanyName == "" || p.ProductName == "" || cols[5] == "" {
		return p, errors.New("company, product and source may not be empty")
	}
	return p, checkProduct(&p)
}

// DescribeProducts lists the catalogue as the caller's Region knows it, by company and product; with ProductArn, that product
// alone, or nothing when nobody registered it.
func (h *Hub) DescribeProducts(ctx context.Context, p *iam.Principal, in *api.DescribeProductsInput) (*api.DescribeProductsOutput, error) {
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	var wanted []byte
	if in.ProductArn != nil {
		wanted = []byte(*in.ProductArn)
	}
	names, err := h.productNames(p.Region, in.ProductArn)
	if err != nil {
		return nil, err
	}
	names, next, err := h.page(names, in.NextToken, in.MaxResults, ask("DescribeProducts", p, wanted, nil))
	if err != nil {
		return nil, err
	}
	out := &api.DescribeProductsOutput{Products: make([]api.Product, 0, len(names)), NextToken: next}
	for _, name := range names {
		company, product, _ := strings.Cut(name, "/")
		row, err := describe(h.catalog.byIDs[ids{company, product}], p.Region, p.Account)
		if err != nil {
			return nil, err
		}
		out.Products = append(out.Products, row)
	}
	return out, nil
}

func (h *Hub) productNames(region string, wanted *string) ([]string, error) {
	if wanted == nil {
		names := make([]string, len(h.catalog.order))
		for i, id := range h.catalog.order {
			names[i] = id.String()
		}
		return names, nil
	}
	a, ok := parseProductARN(*wanted)
	if !ok {
		return nil, badProductARN(*wanted)
	}
	if row := h.catalog.lookup(a); row != nil && row.arn(region) == *wanted {
		return []string{ids{row.Company, row.Product}.String()}, nil
	}
	return nil, nil
}

// describe is a catalogue row as an account in a Region sees it.
func describe(p *Product, region, account string) (api.Product, error) {
	policy, err := subscriptionPolicy(p, region, account)
	if err != nil {
		return api.Product{}, err
	}
	return api.Product{
		ProductArn:                        p.arn(region),
		ProductName:                       &p.ProductName,
		CompanyName:                       &p.CompanyName,
		Description:                       optional(p.Description),
		Categories:                        p.Categories,
		IntegrationTypes:                  p.IntegrationTypes,
		MarketplaceUrl:                    optional(p.MarketplaceURL),
		ActivationUrl:                     optional(p.ActivationURL),
		ProductSubscriptionResourcePolicy: policy,
	}, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// subscriptionPolicy is the resource policy that a subscription attaches: the partner's account may import into the subscription,
// the customer's under the product's ARN. Products that only receive findings have none; a partner whose account is not public
// stands in no statement of its own.
func subscriptionPolicy(p *Product, region, account string) (*string, error) {
	if !p.sends() {
		return nil, nil //nolint:nilnil // no policy, which is no error
	}
	type statement struct {
		Effect    string
		Principal map[string]string
		Action    []string
		Resource  string
		Condition map[string]map[string]string
	}
	allow := func(principal, resource string) statement {
		return statement{
			Effect:    "Allow",
			Principal: map[string]string{"AWS": principal},
			Action:    []string{actionImport},
			Resource:  resource,
			Condition: map[string]map[string]string{"StringEquals": {conditionTargetAccount: account}},
		}
	}
	var statements []statement
	if p.Account != "" {
		statements = append(statements, allow(p.Account, subscriptionARN(region, account, p.Company, p.Product)))
	}
	statements = append(statements, allow(account, p.arn(region)))
	raw, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", statements})
	if err != nil {
		return nil, err
	}
	policy := string(raw)
	return &policy, nil
}
