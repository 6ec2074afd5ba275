package hub

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
)

// rejection is a finding that was not taken. What is wrong with it is found out when somebody asks.
type rejection struct {
	at            time.Time
	of            *producer
	sentBy        string
	account       string // as the finding says
	id            string
	code, message string
	text          []byte // as sent; nil: too large to be kept
	size          int    // of the text
}

// keep remembers a rejected finding, and forgets the oldest: first of the same producer, so that one does not take the others' room.
func (ps *producers) keep(p *producer, c *importCall, i int, why failure) {
	f := &c.batch.Findings[i]
	r := &rejection{
		at: c.now, of: p, sentBy: c.p.ARN, account: brief(f.AwsAccountID), id: brief(f.ID),
		code: why.code, message: brief(why.message), size: len(f.Raw),
	}
	if r.size <= asff.MaxFindingBytes {
		r.text = slices.Clone(f.Raw)
	}
	ps.rejected = append(ps.rejected, r)
	p.kept++
	p.bytes += len(r.text)
	ps.bytes += len(r.text)
	for p.kept > 1 && (p.kept > maxRejectedOfOne || p.bytes > maxRejectedOfText) {
		ps.forget(slices.IndexFunc(ps.rejected, func(r *rejection) bool { return r.of == p }))
	}
	for len(ps.rejected) > maxRejected || ps.bytes > maxRejectedBytes {
		ps.forget(0)
	}
}

func (ps *producers) forget(i int) {
	r := ps.rejected[i]
	r.of.kept--
	r.of.bytes -= len(r.text)
	r.of.dropped++
	ps.bytes -= len(r.text)
	ps.rejected = slices.Delete(ps.rejected, i, i+1)
}

// brief is a text that may not grow: its beginning, in whole characters.
func brief(text string) string {
	if len(text) <= maxNamed {
		return strings.Clone(text)
	}
	return strings.ToValidUTF8(text[:maxNamed], "") + "..."
}

// refuseWhole remembers the finding for whose sake a whole request was refused: the first of it.
func (c *importCall) refuseWhole(err error) {
	e, ok := errors.AsType[*api.Error](err)
	if !ok || c.blame >= len(c.batch.Findings) {
		return
	}
	ps := c.h.producers
	ps.mu.Lock()
	defer ps.mu.Unlock()
	key := c.producerKey(c.blame)
	if e.Code == api.AccessDenied {
		key.account = "" // who may not send for an account does not speak to it either
	}
	p := ps.of(key, c.now)
	m := p.at(c.now)
	p.last = c.now
	p.requests++
	m.requests++
	m.rejected += uint32(len(c.batch.Findings)) //nolint:gosec // at most 100
	p.rejected += uint64(len(c.batch.Findings))
	ps.keep(p, c, c.blame, failure{e.Code, e.Message})
}

// The bounds of one ListRejectedFindings.
const (
	usualRejected   = 20
	mostRejected    = 100
	mostRejectedOut = 2 << 20 // bytes of findings as sent
)

// ListRejectedFindingsInput asks for the findings rejected last, of an account and a product where they are given.
type ListRejectedFindingsInput struct {
	Account *string `query:"account"`
	Product *string `query:"product"` // its ARN
	Max     *int32  `query:"max"`
}

// ListRejectedFindingsOutput has the newest first.
type ListRejectedFindingsOutput struct {
	Rejected []RejectedFinding `json:"Rejected"`
	More     bool              `json:"More"`    // there are older ones
	Dropped  int64             `json:"Dropped"` // that are kept no more
	Since    string            `json:"Since"`   // when the hub began to count
}

// RejectedFinding is one finding that the hub did not take.
type RejectedFinding struct {
	At           string           `json:"At"`
	ProductArn   string           `json:"ProductArn"`
	AccountID    string           `json:"AccountId"` // as the finding says; "": it says none that is a string
	Region       string           `json:"Region"`
	SentBy       string           `json:"SentBy"` // ARN of the caller
	ID           string           `json:"Id"`
	GeneratorID  string           `json:"GeneratorId,omitempty"`
	Title        string           `json:"Title,omitempty"`
	ErrorCode    string           `json:"ErrorCode"`
	ErrorMessage string           `json:"ErrorMessage"`
	Remedy       string           `json:"Remedy,omitempty"` // where it is no matter of the finding's text
	Violations   []ViolationShown `json:"Violations"`       // all of them
	Finding      string           `json:"Finding,omitempty"`
	Mended       string           `json:"Mended,omitempty"` // the finding, with what can be mended mended
	Mends        []asff.Mend      `json:"Mends,omitempty"`
	Remaining    []ViolationShown `json:"Remaining,omitempty"` // of Mended
}

// ViolationShown is a Problem as the wire has it, with the names of `hubcap lint --format json`.
type ViolationShown struct {
	Path    string `json:"Path"`
	Pointer string `json:"Pointer,omitempty"`
	Rule    string `json:"Rule"`
	Message string `json:"Message"`
	Value   string `json:"Value,omitempty"`
	Remedy  string `json:"Remedy,omitempty"`
}

// ListRejectedFindings tells the last findings that were rejected: of whom the caller would see the findings, and what it sent itself (D150).
func (h *Hub) ListRejectedFindings(ctx context.Context, p *iam.Principal, in *ListRejectedFindingsInput) (*ListRejectedFindingsOutput, error) {
	limit := usualRejected
	if in.Max != nil {
		if limit = int(*in.Max); limit < 1 || limit > mostRejected {
			return nil, api.InvalidParameter("max", "should be 1 to "+strconv.Itoa(mostRejected))
		}
	}
	scope, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	ps := h.producers
	out := &ListRejectedFindingsOutput{Rejected: []RejectedFinding{}, Since: ps.since.UTC().Format(timestamp)}
	wanted := func(k *producerKey) bool {
		return (in.Account == nil || *in.Account == k.account) && (in.Product == nil || *in.Product == k.product) && k.mayKnow(&scope, p.Account)
	}
	var chosen []*rejection
	ps.mu.Lock()
	for _, pr := range ps.known {
		if wanted(&pr.key) {
			out.Dropped += int64(pr.dropped) //nolint:gosec // a count
		}
	}
	bytes := 0
	for _, r := range slices.Backward(ps.rejected) {
		if !wanted(&r.of.key) {
			continue
		}
		if bytes += len(r.text); len(chosen) == limit || len(chosen) > 0 && bytes > mostRejectedOut {
			out.More = true
			break
		}
		chosen = append(chosen, r)
	}
	ps.mu.Unlock()
	// A rejection is not changed once it is kept.
	e := examiner{}
	e.diagnosis.Options.RefuseUnknown = h.profile == AWS
	for _, r := range chosen {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		out.Rejected = append(out.Rejected, e.show(r))
	}
	return out, nil
}

// examiner finds out what is wrong with rejected findings, and what can be done.
type examiner struct {
	diagnosis Diagnosis
	reader    asff.Reader
}

func (e *examiner) show(r *rejection) RejectedFinding {
	k := &r.of.key
	out := RejectedFinding{
		At: r.at.UTC().Format(timestamp), ProductArn: k.product, AccountID: r.account, Region: k.region, SentBy: r.sentBy, ID: r.id,
		ErrorCode: r.code, ErrorMessage: r.message, Remedy: remedies[r.code], Violations: []ViolationShown{},
	}
	if r.text == nil {
		out.Violations = showProblems(out.Violations, []Problem{tooLarge(r.size)})
		return out
	}
	var named struct{ GeneratorId, Title any }
	if json.Unmarshal(r.text, &named) == nil {
		generator, _ := named.GeneratorId.(string)
		title, _ := named.Title.(string)
		out.GeneratorID, out.Title = brief(generator), brief(title)
	}
	out.Finding = string(r.text)
	_, problems, _ := e.diagnosis.Problems(r.text)
	out.Violations = showProblems(out.Violations, problems)
	m, err := e.reader.Mend(r.text, asff.MendOptions{Options: e.diagnosis.Options, Region: k.region})
	if err != nil || m.Text == nil {
		return out
	}
	out.Mended, out.Mends = string(m.Text), m.Mends
	_, problems, _ = e.diagnosis.Problems(m.Text)
	out.Remaining = showProblems(nil, problems)
	return out
}

func showProblems(dst []ViolationShown, problems []Problem) []ViolationShown {
	for _, p := range problems {
		dst = append(dst, ViolationShown{
			Path: strings.ToValidUTF8(p.Path, "\ufffd"), Pointer: strings.ToValidUTF8(p.Pointer, "\ufffd"), Rule: p.Keyword,
			Message: strings.ToValidUTF8(p.Message, "\ufffd"), Value: strings.ToValidUTF8(p.Value, "\ufffd"), Remedy: p.Remedy,
		})
	}
	return dst
}
