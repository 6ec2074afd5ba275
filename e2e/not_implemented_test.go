package e2e

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"
)

// built are the operations that answer. Every other one of the service is refused by name.
var built = []string{
	"BatchImportFindings", "BatchUpdateFindings", "DescribeHub", "DescribeProducts", "DisableImportFindingsForProduct",
	"DisableSecurityHub", "EnableImportFindingsForProduct", "EnableSecurityHub", "GetFindingHistory", "GetFindings",
	"ListEnabledProductsForImport", "UpdateSecurityHubConfiguration",
	"UpdateFindings", "CreateInsight", "DeleteInsight", "GetInsightResults", "GetInsights", "UpdateInsight",
}

// TestNotImplemented calls every operation the SDK knows. Those that are not built answer 501 NotImplementedException.
func TestNotImplemented(t *testing.T) {
	hub := serve(t)
	client := reflect.ValueOf(hub.as(mine))
	options := reflect.TypeFor[func(*securityhub.Options)]()
	operations := 0
	for i := range client.NumMethod() {
		name, method := client.Type().Method(i).Name, client.Method(i)
		signature := method.Type()
		if signature.NumIn() != 3 || signature.In(0) != reflect.TypeFor[context.Context]() || signature.In(2).Elem() != options {
			continue // no operation
		}
		operations++
		if slices.Contains(built, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			in := reflect.New(signature.In(1).Elem())
			fill(in.Elem(), 0)
			out := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in, reflect.ValueOf(unchecked)})
			err, _ := reflect.TypeAssert[error](out[1])
			var refused smithy.APIError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "NotImplementedException", refused.ErrorCode())
			require.Contains(t, refused.ErrorMessage(), name)
			var status interface{ HTTPStatusCode() int }
			require.ErrorAs(t, err, &status)
			require.Equal(t, 501, status.HTTPStatusCode())
		})
	}
	require.Equal(t, 109, operations)
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
