package main

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"

	"hubcap/tools/internal/sdk"
)

const committed = "../../internal/asff/schema.txt"

func TestCommittedSchemaIsWhatTheGeneratorWrites(t *testing.T) {
	dir, err := sdk.Dir(t.Context())
	require.NoError(t, err)
	text, notes, err := generate(dir)
	require.NoError(t, err)
	require.Empty(t, notes, "order.txt and the SDK should cover each other")
	have, err := os.ReadFile(committed)
	require.NoError(t, err)
	require.True(t, bytes.Equal(have, text), "internal/asff/schema.txt is not what genschema writes: make gen")
}

// TestSchemaIsTheSDK holds the committed text against reflection over the SDK's types, which the generator never looks at: every
// structure, member, kind and enum value, and nothing else.
func TestSchemaIsTheSDK(t *testing.T) {
	structs, enums := readSchema(t)
	seenStructs, seenEnums := map[string]bool{}, map[string]bool{}
	var walk func(reflect.Type)
	var kind func(reflect.Type) string
	kind = func(rt reflect.Type) string {
		switch rt.Kind() {
		case reflect.Pointer:
			return kind(rt.Elem())
		case reflect.Slice:
			return "[]" + kind(rt.Elem())
		case reflect.Map:
			require.Equal(t, reflect.String, rt.Key().Kind())
			return "{}" + kind(rt.Elem())
		case reflect.Struct:
			walk(rt)
			return rt.Name()
		case reflect.String:
			if rt.PkgPath() == "" {
				return "string"
			}
			seenEnums[rt.Name()] = true
			require.Equal(t, enumValues(rt), enums[rt.Name()], rt.Name())
			return "#" + rt.Name()
		default:
			return rt.Kind().String()
		}
	}
	walk = func(rt reflect.Type) {
		if seenStructs[rt.Name()] {
			return
		}
		seenStructs[rt.Name()] = true
		members, ok := structs[rt.Name()]
		require.True(t, ok, "%s is missing", rt.Name())
		n := 0
		for f := range rt.Fields() {
			if !f.IsExported() {
				continue
			}
			n++
			require.Equal(t, kind(f.Type), members[f.Name], "%s.%s", rt.Name(), f.Name)
		}
		require.Len(t, members, n, rt.Name())
	}
	walk(reflect.TypeFor[types.AwsSecurityFinding]())
	require.Len(t, structs, 610)
	require.Len(t, seenStructs, 610)
	require.Len(t, enums, len(seenEnums))
}

// enumValues asks the SDK's enum for its values, as text.
func enumValues(rt reflect.Type) []string {
	vs := reflect.Zero(rt).MethodByName("Values").Call(nil)[0]
	out := make([]string, vs.Len())
	for i := range out {
		out[i] = vs.Index(i).String()
	}
	return out
}

func readSchema(t *testing.T) (structs map[string]map[string]string, enums map[string][]string) {
	t.Helper()
	text, err := os.ReadFile(committed)
	require.NoError(t, err)
	structs, enums = map[string]map[string]string{}, map[string][]string{}
	var current map[string]string
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch line[0] {
		case '#':
			enums[words[0][1:]] = strings.Split(words[1], "|")
		case ' ':
			name := strings.TrimSuffix(words[0], "!")
			require.NotContains(t, current, name)
			current[name] = words[1]
		default:
			require.NotContains(t, structs, words[0])
			current = map[string]string{}
			structs[words[0]] = current
		}
	}
	return structs, enums
}

func TestReadOrder(t *testing.T) {
	order, err := readOrder("# why\n\nNote (required: Text UpdatedBy): Text UpdatedBy UpdatedAt\nEmpty:\n")
	require.NoError(t, err)
	require.Equal(t, map[string]ordered{
		"Note":  {members: []string{"Text", "UpdatedBy", "UpdatedAt"}, required: []string{"Text", "UpdatedBy"}},
		"Empty": {members: []string{}, required: []string{}},
	}, order)
	for _, bad := range []string{"Note Text", "Note (required): Text", "A: B\nA: C"} {
		_, err := readOrder(bad)
		require.ErrorContains(t, err, "order.txt:", bad)
	}
}

func TestLimits(t *testing.T) {
	str, list := sdk.Type{Kind: sdk.String}, sdk.Type{Kind: sdk.List, Elem: &sdk.Type{Kind: sdk.String}}
	for _, c := range []struct {
		doc  string
		typ  sdk.Type
		want string
	}{
		{"Length Constraints: Minimum length of 1. Maximum length of 512.", str, " len=1..512"},
		{"Length Constraints: Minimum of 1 length. Maximum of 64 length.", str, " len=1..64"},
		{"Length Constraints: Minimum of 1. Maximum of 16.", str, " len=1..16"},
		{"Length Constraints: 128.", str, " len=1..128"},
		{"Uses the date-time format specified in RFC 3339.", str, " ts"},
		{"See [Timestamps].", str, " ts"},
		{"Array Members: Minimum number of 1 item. Maximum number of 32 items.", list, " items=1..32"},
		{"Array Members: Maximum number of 50 items.", list, " items=0..50"},
		{"Length Constraints: 128.", sdk.Type{Kind: sdk.Int32}, ""},
		{"Nothing.", str, ""},
	} {
		require.Equal(t, c.want, limits("S", sdk.Field{Name: "F", Doc: c.doc, Type: c.typ}), c.doc)
	}
}
