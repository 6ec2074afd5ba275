package hub

import (
	"errors"
	"fmt"
	"strconv"

	"hubcap/internal/asff"
)

// Problem is one reason for which a hub does not take a finding, and what to do about it.
type Problem struct {
	asff.Violation
	Remedy string
	Offset int // of what is no strict JSON, in bytes of the finding; else 0
}

// The rules of a Problem that are no keyword of the schema.
const (
	RuleJSON       = "json"       // a request with this finding in it is no strict JSON
	RuleSize       = "size"       // the finding is too large
	RuleProductArn = "productArn" // AWS resolves it before it looks at the finding
)

// Diagnosis judges findings one by one, as a hub does: each in a request of its own. It may be used again, but not by two goroutines at once.
type Diagnosis struct {
	Options asff.Options

	batch asff.Batch
	body  []byte
}

const (
	requestHead = `{"Findings":[`
	requestTail = `]}`
)

// Problems answers all there is, in the order in which AWS would name them, and the finding's Id; "" where it has none. readable: it
// is strict JSON.
func (d *Diagnosis) Problems(text []byte) (id string, problems []Problem, readable bool) {
	d.batch.Options = d.Options
	if len(text) > asff.MaxFindingBytes {
		problems = append(problems, tooLarge(len(text)))
	}
	d.body = append(append(append(d.body[:0], requestHead...), text...), requestTail...)
	if err := d.batch.Read(d.body); err != nil {
		p := Problem{
			Violation: asff.Violation{Path: "data", Message: "makes the whole request no strict JSON: " + err.Error(), Keyword: RuleJSON},
			Remedy:    "Write it as RFC 8259 asks, in UTF-8, nested at most " + strconv.Itoa(asff.MaxDepth) + " deep.",
		}
		if syntax, ok := errors.AsType[*asff.SyntaxError](err); ok {
			p.Offset = min(max(syntax.Offset-len(requestHead), 0), len(text))
			p.Message = "makes the whole request no strict JSON: " + syntax.Reason
		}
		return "", append(problems, p), false
	}
	f := &d.batch.Findings[0]
	if f.HasProductArn && !IsProductARN(f.ProductArn) {
		problems = append(problems, Problem{
			Violation: asff.Violation{
				Path: "data.ProductArn", Message: `makes AWS refuse the whole request: productArn: "` + f.ProductArn + `"`,
				Keyword: RuleProductArn, Pointer: "/ProductArn", Value: strconv.Quote(f.ProductArn),
			},
			Remedy: "Write arn:aws:securityhub:REGION:ACCOUNT:product/COMPANY/PRODUCT; ACCOUNT is empty for public products.",
		})
	}
	for _, v := range f.Violations {
		problems = append(problems, Problem{Violation: v, Remedy: v.Remedy()})
	}
	return f.ID, problems, true
}

func tooLarge(size int) Problem {
	return Problem{
		Violation: asff.Violation{Path: "data", Message: failedSize.message, Keyword: RuleSize, Value: strconv.Itoa(size) + " bytes"},
		Remedy:    fmt.Sprintf("Shorten it to at most %d bytes from { to }, white space included.", asff.MaxFindingBytes),
	}
}

// remedies of what is no matter of the finding's text, by the error's code.
var remedies = map[string]string{
	"InvalidAccess":         "Switch Security Hub on for the account in this Region (EnableSecurityHub), and take findings of the product there (EnableImportFindingsForProduct).",
	"AccessDeniedException": "Send it with a key of the finding's account, or of a partner that is allow-listed for its product; the product's Region must be the request's.",
	"ConcurrentUpdateError": "Send it again.",
	"InternalFailure":       "Send it again; the hub's log says what failed.",
}
