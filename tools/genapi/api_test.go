package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"

	"hubcap/tools/internal/sdk"
)

func TestCommittedFilesAreWhatTheGeneratorWrites(t *testing.T) {
	dir, err := sdk.Dir(t.Context())
	require.NoError(t, err)
	files, err := generate(dir)
	require.NoError(t, err)
	require.Len(t, files, 2)
	for name, text := range files {
		have, err := os.ReadFile(filepath.Join("../../internal/api", name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(have, text), "internal/api/%s is not what genapi writes: make gen", name)
	}
}

// TestOperationsAreTheClient counts by reflection over the SDK's client, which the generator never looks at: every operation is a
// method that takes a context, a pointer to its input and options.
func TestOperationsAreTheClient(t *testing.T) {
	dir, err := sdk.Dir(t.Context())
	require.NoError(t, err)
	src, err := sdk.Load(dir)
	require.NoError(t, err)
	ops, err := src.Operations()
	require.NoError(t, err)
	var generated, methods []string
	for _, op := range ops {
		generated = append(generated, op.Name)
	}
	client := reflect.TypeFor[*securityhub.Client]()
	for m := range client.Methods() {
		if m.Type.NumIn() == 4 && m.Type.In(2).Kind() == reflect.Pointer && m.Type.In(2).Elem().Name() == m.Name+"Input" {
			methods = append(methods, m.Name)
		}
	}
	require.Equal(t, methods, generated)
	require.Len(t, generated, 109)
	require.Len(t, slices.DeleteFunc(generated, func(s string) bool { return !strings.HasSuffix(s, "V2") }), 30)
}

// TestErrorsOfARow samples what the generator read against what the service's documentation says.
func TestErrorsOfARow(t *testing.T) {
	dir, err := sdk.Dir(t.Context())
	require.NoError(t, err)
	src, err := sdk.Load(dir)
	require.NoError(t, err)
	ops, err := src.Operations()
	require.NoError(t, err)
	i := slices.IndexFunc(ops, func(op sdk.Operation) bool { return op.Name == "EnableSecurityHub" })
	require.Equal(t, sdk.Operation{
		Name: "EnableSecurityHub", Method: "POST", Pattern: "/accounts",
		Path: map[string]string{}, Query: map[string]string{},
		Errors: []string{
			"AccessDeniedException", "InternalException", "InvalidAccessException", "LimitExceededException", "ResourceConflictException",
		},
	}, ops[i])
	i = slices.IndexFunc(ops, func(op sdk.Operation) bool { return op.Name == "UntagResource" })
	require.Equal(t, map[string]string{"ResourceArn": "ResourceArn"}, ops[i].Path)
	require.Equal(t, map[string]string{"TagKeys": "tagKeys"}, ops[i].Query)
}
