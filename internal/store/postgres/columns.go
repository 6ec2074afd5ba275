package postgres

import (
	"math"
	"strconv"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// column is a column of table finding that holds an attribute.
type column uint8

// The columns that hold a value exactly, or say that they do not. What an exact column holds is no term; what it cannot hold is: a label
// that is not in its list, and, as There, a number that is no number and a date that is no instant.
const (
	noColumn column = iota
	columnUpdated
	columnCreated
	columnFirstObserved
	columnLastObserved
	columnSeverity
	columnProviderSeverity
	columnRecordState
	columnWorkflow
	columnCompliance
	columnNormalized
	columnConfidence
	columnCriticality
	numColumns
)

// columns names them, and the attributes they hold.
var columns = [numColumns]struct {
	name  string
	field asff.Field
	codes []string // of labels: the value's place, from 1 on
}{
	columnUpdated:          {"updated", asff.FieldUpdatedAt, nil},
	columnCreated:          {"created", asff.FieldCreatedAt, nil},
	columnFirstObserved:    {"first_observed", asff.FieldFirstObservedAt, nil},
	columnLastObserved:     {"last_observed", asff.FieldLastObservedAt, nil},
	columnSeverity:         {"severity", asff.FieldSeverityLabel, severities},
	columnProviderSeverity: {"provider_severity", asff.FieldFindingProviderFieldsSeverityLabel, severities},
	columnRecordState:      {"record_state", asff.FieldRecordState, []string{"ACTIVE", "ARCHIVED"}},
	columnWorkflow:         {"workflow", asff.FieldWorkflowStatus, []string{"NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"}},
	columnCompliance:       {"compliance", asff.FieldComplianceStatus, []string{"PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"}},
	columnNormalized:       {"normalized", asff.FieldSeverityNormalized, nil},
	columnConfidence:       {"confidence", asff.FieldConfidence, nil},
	columnCriticality:      {"criticality", asff.FieldCriticality, nil},
}

// severities in the order of their ranks (query.SortValueOf): the code is the rank.
var severities = []string{"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

var columnByField = func() (of [256]column) {
	for c := noColumn + 1; c < numColumns; c++ {
		of[columns[c].field] = c
	}
	return of
}()

// columnOf is the column that holds an attribute's values, or noColumn.
func columnOf(f asff.Field) column { return columnByField[f] }

// code is what a column of labels holds: from 1 on, 0 where its list does not have the label.
func (c column) code(label []byte) int16 {
	for i, have := range columns[c].codes {
		if have == string(label) {
			return int16(i + 1)
		}
	}
	return 0
}

// noTime is what a column of instants holds where the date is absent, or no instant.
const noTime = math.MinInt64

// row is a finding's row in table finding, but for its key.
type row struct {
	times     [4]int64    // columnUpdated and on
	codes     [5]int16    // columnSeverity and on
	numbers   [3]*float64 // columnNormalized and on
	resources string      // the terms of its ResourceIds that the dictionary lists, and Unlisted where there are others: a literal of an array
	generator *string     // heads, escaped; nil where the finding has none
	title     *string
}

// found is what a finding is found by: made of its values.
type found struct {
	row   row
	terms []int64 // sorted, each once
	words []word  // of terms, those that the dictionary lists
}

// word is a row of the dictionary.
type word struct {
	digest digest
	field  asff.Field
	key    string
	hash   int64
	value  string
}

// read makes f of a finding's values. Words that are known are left out; what f holds is a copy.
func (f *found) read(h *hasher, known *words, key *store.Key, values []asff.Value, buf []byte) []byte {
	f.row = row{times: [4]int64{noTime, noTime, noTime, noTime}}
	f.terms, f.words = f.terms[:0], f.words[:0]
	var there, ofKeys [256]bool
	for i := range values {
		v := &values[i]
		if f.row.take(v) {
			continue
		}
		if ofKey(key, v) {
			ofKeys[v.Field] = true
			if isOfKey(v.Field) {
				continue
			}
		}
		if (presenceIndexed(v.Field) || columnOf(v.Field) != noColumn || isOfKey(v.Field)) && !there[v.Field] {
			there[v.Field] = true
			f.terms = append(f.terms, h.There(v.Field))
		}
		if !termed(v.Field) {
			continue
		}
		term, inDictionary, grown := h.term(buf, v.Field, v.Key, v.Text)
		f.terms, buf = append(f.terms, term), grown
		if !listed(v.Field, string(v.Key)) {
			continue
		}
		if !inDictionary {
			f.terms = append(f.terms, h.Unlisted(v.Field))
			continue
		}
		var d digest
		if d, buf = h.digest(buf, key.Account, v.Field, v.Key, v.Text); !known.has(d) {
			f.words = append(f.words, word{d, v.Field, string(v.Key), term, string(v.Text)})
		}
	}
	for _, field := range [...]asff.Field{asff.FieldAwsAccountId, asff.FieldRegion, asff.FieldId} {
		if !ofKeys[field] && !there[field] {
			f.terms = append(f.terms, h.There(field)) // or rather not there: what the column says is not true of this finding
		}
	}
	f.terms = sortedOnce(f.terms)
	f.row.resources, buf = resourcesOf(h, f.terms, buf)
	return buf
}

// isOfKey tells whether an attribute has, in all but strange findings, the value that the finding's key has, and no term says it then.
func isOfKey(f asff.Field) bool { return f == asff.FieldAwsAccountId || f == asff.FieldRegion }

// ofKey tells whether a value is that of the finding's key: the columns account, region and id say it. A finding of which they do not tell
// the truth has the term There.
func ofKey(key *store.Key, v *asff.Value) bool {
	return v.Field == asff.FieldAwsAccountId && string(v.Text) == key.Account || v.Field == asff.FieldRegion && string(v.Text) == key.Region ||
		v.Field == asff.FieldId && string(v.Text) == key.ID
}

// resourcesOf is what the column resources holds, as PostgreSQL writes an array.
func resourcesOf(h *hasher, terms []int64, buf []byte) (literal string, grown []byte) {
	lo, hi := listedTerms(asff.FieldResourceId)
	buf = append(buf[:0], '{')
	for _, t := range terms {
		if t != h.Unlisted(asff.FieldResourceId) && (t < lo || t > hi) {
			continue
		}
		if len(buf) > 1 {
			buf = append(buf, ',')
		}
		buf = strconv.AppendInt(buf, t, 10)
	}
	buf = append(buf, '}')
	return string(buf), buf
}

// take puts a value into its column: true when that says all.
func (r *row) take(v *asff.Value) bool {
	switch v.Field {
	case asff.FieldTitle:
		if r.title == nil {
			r.title = head(v.Text)
		}
		return false
	case asff.FieldGeneratorId:
		if r.generator == nil {
			r.generator = head(v.Text)
		}
		return false
	default:
	}
	switch c := columnOf(v.Field); {
	case c == noColumn:
		return false
	case c <= columnLastObserved:
		ms, ok := asff.ParseTime(v.Text)
		if ok {
			r.times[c-columnUpdated] = ms
		}
		return ok
	case c <= columnCompliance:
		code := c.code(v.Text)
		r.codes[c-columnSeverity] = code
		return code != 0
	default:
		x := query.SortValueOf(v.Field, v.Text)
		if x.Missing {
			return false
		}
		r.numbers[c-columnNormalized] = &x.Num
		return true
	}
}

func head(text []byte) *string {
	s := headOf(toText(string(text)))
	return &s
}
