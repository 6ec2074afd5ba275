package e2e

import (
	"context"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"
)

// call calls an operation with every member filled in, and answers its error.
type call func(t *testing.T, c *securityhub.Client) error

// everyOperation are the operations that the SDK knows, by name.
func everyOperation(t *testing.T) map[string]call {
	t.Helper()
	all := map[string]call{}
	options := reflect.TypeFor[func(*securityhub.Options)]()
	client := reflect.TypeFor[*securityhub.Client]()
	for method := range client.Methods() {
		signature := method.Type
		if signature.NumIn() != 4 || signature.In(1) != reflect.TypeFor[context.Context]() || signature.In(3).Elem() != options {
			continue // no operation
		}
		all[method.Name] = func(t *testing.T, c *securityhub.Client) error {
			t.Helper()
			in := reflect.New(signature.In(2).Elem())
			fill(in.Elem(), 0)
			out := reflect.ValueOf(c).MethodByName(method.Name).Call([]reflect.Value{reflect.ValueOf(t.Context()), in, reflect.ValueOf(unchecked)})
			err, _ := reflect.TypeAssert[error](out[1])
			return err
		}
	}
	require.Len(t, all, 109)
	return all
}

// TestNotImplemented calls every operation the SDK knows. Those that are not built, of the second version all, answer 501
// NotImplementedException with their name; each that is built is tested by a file of its own, named for it, with a test named for it. docs/operations.md says which are which.
func TestNotImplemented(t *testing.T) {
	hub := serve(t)
	page, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	var classic []string // that are not built
	for name, ask := range everyOperation(t) {
		t.Run(name, func(t *testing.T) {
			err := ask(t, hub.as(mine))
			var refused smithy.APIError
			built := !errors.As(err, &refused) || refused.ErrorCode() != "NotImplementedException"
			if !built {
				require.Contains(t, refused.ErrorMessage(), name)
				var status interface{ HTTPStatusCode() int }
				require.ErrorAs(t, err, &status)
				require.Equal(t, 501, status.HTTPStatusCode())
				if !strings.HasSuffix(name, "V2") {
					classic = append(classic, name)
				}
			}
			line := regexp.MustCompile("(?m)^\\| " + name + "(?: \\(as `[^`]+`\\))? \\| `[^`]+` \\| (yes|no) \\|").FindStringSubmatch(string(page))
			require.NotNil(t, line, "docs/operations.md has no row of it: make gen")
			require.Equal(t, built, line[1] == "yes", "docs/operations.md says it is built: %s: make gen", line[1])
			if built {
				text, err := os.ReadFile(testFile(name))
				require.NoError(t, err, "an operation that is built has a file of its own")
				require.True(t, regexp.MustCompile(`\nfunc Test`+name+`\w*\(t \*testing\.T\) \{`).Match(text), "%s has no test named for it", testFile(name))
			}
		})
	}
	require.Empty(t, classic, "the first version of the API is built whole")
}

// testFile is the file of an operation: BatchGetSecurityControls is tested by batch_get_security_controls_test.go.
func testFile(operation string) string {
	snake := regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(strings.TrimSuffix(operation, "V2"), "${1}_${2}")
	if strings.HasSuffix(operation, "V2") {
		snake += "_v2"
	}
	return strings.ToLower(snake) + "_test.go"
}

// unchecked lets the SDK send what it would refuse itself: unions, which fill leaves out, are required in places.
func unchecked(o *securityhub.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		_, _ = stack.Initialize.Remove("OperationInputValidation") // an operation without required members has no such step
		return nil
	})
}

// fill gives every member a value, so that the SDK sends the request.
func fill(v reflect.Value, depth int) {
	switch {
	case depth > 6 || !v.CanSet():
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth)
	case v.Kind() == reflect.String:
		v.SetString("arn:aws:securityhub:us-east-1:111122223333:thing/one")
	case v.CanInt():
		v.SetInt(1)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case v.Kind() == reflect.Struct && !strings.HasSuffix(v.Type().PkgPath(), "document"):
		for _, member := range v.Fields() {
			fill(member, depth+1)
		}
	}
}
