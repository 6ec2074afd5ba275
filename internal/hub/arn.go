package hub

import (
	"strings"

	"hubcap/internal/iam"
)

// productARN is a product's ARN taken apart (spec 1.8): arn:PARTITION:securityhub:REGION:ACCOUNT:product/COMPANY/PRODUCT.
type productARN struct {
	partition, region, account string // account is "" for AWS's own and most public partners' products
	company, product           string
}

// parseProductARN takes an ARN apart without allocating. It refuses what is of no Region: AWS resolves the product before it
// looks at the finding, and has no product there (spec 1.1.8).
func parseProductARN(s string) (productARN, bool) {
	var a productARN
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok || len(s) > 2048 {
		return a, false
	}
	var service, resource string
	if a.partition, rest, ok = strings.Cut(rest, ":"); !ok || !isPartition(a.partition) {
		return a, false
	}
	if service, rest, ok = strings.Cut(rest, ":"); !ok || service != "securityhub" {
		return a, false
	}
	if a.region, rest, ok = strings.Cut(rest, ":"); !ok || !isRegion(a.region) {
		return a, false
	}
	if a.account, resource, ok = strings.Cut(rest, ":"); !ok || a.account != "" && !isAccount(a.account) {
		return a, false
	}
	if resource, ok = strings.CutPrefix(resource, "product/"); !ok {
		return a, false
	}
	if a.company, a.product, ok = strings.Cut(resource, "/"); !ok || !isProductID(a.company) || !isProductID(a.product) {
		return a, false
	}
	return a, true
}

// String is the ARN again.
func (a productARN) String() string {
	return "arn:" + a.partition + ":securityhub:" + a.region + ":" + a.account + ":product/" + a.company + "/" + a.product
}

// isDefault tells the product every account has for its own findings: product/ACCOUNT/default of that account (spec 1.8.2).
func (a productARN) isDefault() bool {
	return a.account != "" && a.company == a.account && a.product == "default"
}

func isPartition(s string) bool {
	rest, ok := strings.CutPrefix(s, "aws")
	if !ok {
		return false
	}
	for i := range len(rest) {
		if c := rest[i]; c != '-' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return rest == "" || rest[0] == '-' && len(rest) > 1
}

// isRegion checks the shape of a Region's name (us-east-1, us-gov-west-1, us-isob-east-1): the ARN pattern's (spec 1.12), which
// also takes Regions that do not exist yet.
func isRegion(s string) bool {
	parts, digits := 0, false
	for part := range strings.SplitSeq(s, "-") {
		if part == "" || digits {
			return false
		}
		switch c := part[0]; {
		case c >= 'a' && c <= 'z':
			for i := range len(part) {
				if part[i] < 'a' || part[i] > 'z' {
					return false
				}
			}
		case c >= '0' && c <= '9':
			for i := range len(part) {
				if part[i] < '0' || part[i] > '9' {
					return false
				}
			}
			digits = true
		default:
			return false
		}
		parts++
	}
	return digits && parts >= 3 && parts <= 4
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isProductID checks a company's or product's id: letters, digits and the marks that occur in registered ones.
func isProductID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '+', c == '=', c == '@':
		default:
			return false
		}
	}
	return true
}

// partitionOf names the partition a Region belongs to.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "us-isob-"):
		return "aws-iso-b"
	case strings.HasPrefix(region, "us-isof-"):
		return "aws-iso-f"
	case strings.HasPrefix(region, "eu-isoe-"):
		return "aws-iso-e"
	case strings.HasPrefix(region, "us-iso-"):
		return "aws-iso"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	}
	return "aws"
}

// ARN names an account's hub in a Region.
func ARN(region, account string) string {
	return "arn:" + partitionOf(region) + ":securityhub:" + region + ":" + account + ":hub/default"
}

// subscriptionARN names an account's subscription to a product (spec 9).
func subscriptionARN(region, account, company, product string) string {
	return subscriptionPrefix(region, account) + company + "/" + product
}

func subscriptionPrefix(region, account string) string {
	return "arn:" + partitionOf(region) + ":securityhub:" + region + ":" + account + ":product-subscription/"
}

// ownARN names a resource of the caller's account in its Region: "action/custom/page-someone".
func ownARN(p *iam.Principal, resource string) string {
	return "arn:" + partitionOf(p.Region) + ":securityhub:" + p.Region + ":" + p.Account + ":" + resource
}
