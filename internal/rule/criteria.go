package rule

import (
	"math"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// attributes are those that criteria may speak of, and how many conditions each may have (spec 8.4: model,
// AutomationRulesFindingFilters).
var attributes = map[asff.Field]int{
	asff.FieldAwsAccountId:                    manyValues,
	asff.FieldAwsAccountName:                  fewValues,
	asff.FieldCompanyName:                     fewValues,
	asff.FieldComplianceAssociatedStandardsId: fewValues,
	asff.FieldComplianceSecurityControlId:     fewValues,
	asff.FieldComplianceStatus:                fewValues,
	asff.FieldConfidence:                      fewValues,
	asff.FieldCreatedAt:                       fewValues,
	asff.FieldCriticality:                     fewValues,
	asff.FieldDescription:                     fewValues,
	asff.FieldFirstObservedAt:                 fewValues,
	asff.FieldGeneratorId:                     manyValues,
	asff.FieldId:                              fewValues,
	asff.FieldLastObservedAt:                  fewValues,
	asff.FieldNoteText:                        fewValues,
	asff.FieldNoteUpdatedAt:                   fewValues,
	asff.FieldNoteUpdatedBy:                   fewValues,
	asff.FieldProductArn:                      fewValues,
	asff.FieldProductName:                     fewValues,
	asff.FieldRecordState:                     fewValues,
	asff.FieldRelatedFindingsId:               fewValues,
	asff.FieldRelatedFindingsProductArn:       fewValues,
	asff.FieldResourceApplicationArn:          fewValues,
	asff.FieldResourceApplicationName:         fewValues,
	asff.FieldResourceDetailsOther:            fewValues,
	asff.FieldResourceId:                      manyValues,
	asff.FieldResourcePartition:               fewValues,
	asff.FieldResourceRegion:                  fewValues,
	asff.FieldResourceTags:                    fewValues,
	asff.FieldResourceType:                    fewValues,
	asff.FieldSeverityLabel:                   fewValues,
	asff.FieldSourceUrl:                       fewValues,
	asff.FieldTitle:                           manyValues,
	asff.FieldType:                            fewValues,
	asff.FieldUpdatedAt:                       fewValues,
	asff.FieldUserDefinedFields:               fewValues,
	asff.FieldVerificationState:               fewValues,
	asff.FieldWorkflowStatus:                  fewValues,
}

const (
	fewValues  = 20
	manyValues = 100
)

// Criteria is the conditions of a rule. All parts must hold.
type Criteria struct {
	text  []byte // as the client sent them
	parts []part
}

// part is the conditions on one attribute. What it asks can be answered from the attribute's values alone.
type part struct {
	field asff.Field
	where query.Expr
	// moving are the conditions of dates where some reach back from now ("the last 7 days"): at least one must hold. nil: where has
	// them all.
	moving []moving
}

// moving is a range of instants whose ends may move with the clock: a moving end is told in milliseconds from now.
type moving struct {
	cond   query.Cond
	lo, hi bool
}

// epoch and later are two moments at which criteria are compiled: what differs moves with the clock.
var (
	epoch = time.UnixMilli(0)
	later = epoch.Add(time.Hour)
)

// CompileCriteria reads the criteria of a rule; name is the request's member that holds them. Every comparison that filters know is
// allowed, CONTAINS and NOT_CONTAINS too (spec 4.4); of the attributes only those of spec 8.4. Criteria of no attribute hold for
// every finding; an attribute that is there has a condition at least, for an empty list would hold for every finding too (spec 8.4). The
// error is a *query.ParamError.
func CompileCriteria(text []byte, name string) (*Criteria, error) {
	c := &Criteria{text: text}
	now, err := c.compile(epoch, name)
	if err != nil {
		return nil, err
	}
	then, err := c.compile(later, name)
	if err != nil {
		return nil, err
	}
	a, b := conjunction(now), conjunction(then)
	for i := range a {
		p := part{field: attributeOf(&a[i]), where: a[i]}
		if m, isMoving := movements(&a[i], &b[i], nil); isMoving {
			p.moving = m
		}
		c.parts = append(c.parts, p)
	}
	return c, nil
}

func (c *Criteria) compile(now time.Time, name string) (query.Expr, error) {
	return query.Compile(c.text, now, query.Options{
		AllowContains: true, MaxAttributes: len(attributes), MaxValues: fewValues, MinValues: 1, Name: name,
		Attribute: func(f asff.Field) (int, bool) {
			most, ok := attributes[f]
			return most, ok
		},
	})
}

// Where is the criteria as a query at an instant, for what is stored.
func (c *Criteria) Where(now time.Time) (query.Expr, error) { return c.compile(now, "Criteria") }

// conjunction is the parts of what query.Compile makes.
func conjunction(e query.Expr) []query.Expr {
	switch e.Op {
	case query.All:
		return nil
	case query.And:
		return e.Args
	default:
		return []query.Expr{e}
	}
}

// attributeOf is the attribute of which a part speaks; NoField for one that says no whatever the finding.
func attributeOf(e *query.Expr) asff.Field {
	if e.Op == query.Is {
		return e.Cond.Field
	}
	for i := range e.Args {
		if f := attributeOf(&e.Args[i]); f != asff.NoField {
			return f
		}
	}
	return asff.NoField
}

// movements lists the alternatives of a part that was compiled at epoch and at later, and tells whether any of them moves. Only
// dates do, and a part on dates is one range or several of which one must hold.
func movements(a, b *query.Expr, list []moving) (_ []moving, moves bool) {
	switch a.Op {
	case query.Or:
		for i := range a.Args {
			var m bool
			list, m = movements(&a.Args[i], &b.Args[i], list)
			moves = moves || m
		}
	case query.Is:
		m := moving{cond: a.Cond, lo: a.Cond.Lo != b.Cond.Lo, hi: a.Cond.Hi != b.Cond.Hi}
		list, moves = append(list, m), m.lo || m.hi
	default: // a range that nothing lies in
	}
	return list, moves
}

// holds tells whether the part holds for the values of its attribute. scratch is where a moving condition is put together.
func (p *part) holds(vs []asff.Value, now time.Time, scratch *query.Expr) bool {
	if p.moving == nil {
		return query.Match(&p.where, vs)
	}
	if len(vs) == 0 {
		return false
	}
	at := float64(now.UnixMilli())
	for i := range p.moving {
		m := &p.moving[i]
		scratch.Op, scratch.Cond = query.Is, m.cond
		if m.lo && !math.IsInf(m.cond.Lo, 0) {
			scratch.Cond.Lo += at
		}
		if m.hi && !math.IsInf(m.cond.Hi, 0) {
			scratch.Cond.Hi += at
		}
		if query.Match(scratch, vs) {
			return true
		}
	}
	return false
}
