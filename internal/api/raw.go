package api

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// RawJSON is a value that stays as it came: findings keep members nobody knows, filters are read by the compiler of queries.
type RawJSON = jsontext.Value

// Appender is an output that writes itself, because it holds much that need not be encoded again.
type Appender interface {
	AppendJSON(dst []byte) ([]byte, error)
}

var errEmptyFinding = errors.New("api: a finding without a document in an answer")

// AppendJSON copies the stored findings into the answer as they are: {"Findings":[...],"NextToken":"..."}.
func (o *GetFindingsOutput) AppendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `{"Findings":[`...)
	for i, f := range o.Findings {
		if len(f) == 0 {
			return nil, errEmptyFinding
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, f...)
	}
	dst = append(dst, ']')
	if o.NextToken != nil {
		dst = appendText(append(dst, `,"NextToken":`...), *o.NextToken)
	}
	return append(dst, '}'), nil
}

// AppendOutput appends an output as JSON: by its own AppendJSON where it has one. Maps are written in the order of their keys, so that
// the same output is the same text.
func AppendOutput(dst []byte, out any) ([]byte, error) {
	if a, ok := out.(Appender); ok {
		return a.AppendJSON(dst)
	}
	b, err := json.Marshal(out, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	return append(dst, b...), nil
}
