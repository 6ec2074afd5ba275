package event

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"hubcap/internal/hub"
	"hubcap/internal/store"
)

// The detail-types (spec 6).
const (
	typeImported       = "Security Hub Findings - Imported"
	typeCustomAction   = "Security Hub Findings - Custom Action"
	typeInsightResults = "Security Hub Insight Results"
)

const source = "aws.securityhub"

// envelopeSize is about what an envelope has beside its detail.
const envelopeSize = 768

// envelopes are buffers for those that are judged and not sent.
var envelopes = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// Append writes an event's envelope, field for field EventBridge's (spec 6), on one line. account and region are those of the bus that it
// comes from; "" means that of the finding, or of who chose the custom action. The finding is the stored document, byte for byte. An
// event that is not recorded yet has the id "".
func Append(dst []byte, e *store.Event, account, region string) ([]byte, error) {
	var detail hub.EventDetail
	kind, resource := typeImported, e.Key.ProductArn+"/"+e.Key.ID
	if e.Kind == store.Imported {
		detail.Account, detail.Region = e.Key.Account, e.Key.Region
	} else {
		if err := json.Unmarshal(e.Detail, &detail); err != nil {
			return dst, fmt.Errorf("event: detail of %s: %w", e.Key.ID, err)
		}
		resource, kind = detail.Resource, typeCustomAction
		if e.Kind == store.InsightResults {
			kind = typeInsightResults
		}
	}
	if account != "" {
		detail.Account, detail.Region = account, region
	}
	id := ""
	if e.Version != 0 {
		ref := e.Ref()
		id = ref.ID()
	}
	dst = append(dst, `{"version":"0","id":"`...)
	dst = append(dst, id...)
	dst = append(append(append(dst, `","detail-type":"`...), kind...), `","source":"`+source+`","account":`...)
	dst = appendText(dst, detail.Account)
	dst = append(dst, `,"time":"`...)
	dst = e.Time.UTC().AppendFormat(dst, "2006-01-02T15:04:05Z")
	dst = appendText(append(dst, `","region":`...), detail.Region)
	dst = appendText(append(dst, `,"resources":[`...), resource)
	dst = append(dst, `],"detail":`...)
	if e.Kind == store.Imported {
		dst = append(dst, '{')
	} else {
		members := detail.Members
		if len(members) < 2 || members[0] != '{' {
			return dst, fmt.Errorf("event: detail of %s is no object", e.Key.ID)
		}
		if e.Kind == store.InsightResults {
			return append(append(dst, members...), '}'), nil
		}
		dst = append(append(dst, members[:len(members)-1]...), ',')
	}
	dst = append(append(dst, `"findings":[`...), e.JSON...)
	return append(dst, "]}}"...), nil
}

func appendText(dst []byte, s string) []byte {
	out, err := jsontext.AppendQuote(dst, s)
	if err != nil { // no UTF-8: the parts of a key come from JSON, so this does not happen
		return append(dst, `""`...)
	}
	return out
}
