// Package sdk reads the source of the AWS SDK's securityhub package as the only public, versioned description of the service that
// Go programs can depend on: operations, shapes, enums, and which member travels in the path, the query or the body.
//
// The source says more than reflection can: doc comments hold limits and which members are required, the serializers hold wire
// names, methods and paths. What the generators need and cannot find is an error, never a guess, so that a new version of the SDK
// that is laid out otherwise fails loudly.
package sdk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Module is the module path of the package that is read.
const Module = "github.com/aws/aws-sdk-go-v2/service/securityhub"

// Kind is what a Type is.
type Kind uint8

// The kinds of a shape.
const (
	String Kind = iota
	Int32
	Int64
	Float32
	Float64
	Bool
	Time     // a timestamp, on the wire an RFC 3339 string
	Document // any JSON
	Enum     // Type.Name is a key of Source.Enums
	Struct   // Type.Name is a key of Source.Structs
	Union    // Type.Name is a key of Source.Unions
	List     // of Type.Elem
	Map      // of Type.Elem, keys are strings
)

// Type is the type of a member.
type Type struct {
	Kind Kind
	Name string
	Elem *Type
}

// Field is one member of a structure or one branch of a union.
type Field struct {
	Name     string
	Doc      string // the doc comment as one line
	Type     Type
	Required bool
}

// Shape is a structure or a union.
type Shape struct {
	Name   string
	Doc    string
	Fields []Field
}

// Source is the parsed package.
type Source struct {
	Structs map[string]*Shape // types and the operations' inputs and outputs
	Unions  map[string]*Shape
	Enums   map[string][]string // values in the source's order

	dir   string
	funcs map[string]*ast.FuncDecl // of serializers.go and deserializers.go; methods as "type.name"
	specs []*ast.TypeSpec
	docs  map[string]string
}

// Dir answers where the go command keeps the pinned version of the package; it needs the tools module as working directory.
func Dir(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", Module).Output()
	if err != nil {
		return "", fmt.Errorf("go list %s: %w", Module, err)
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		return "", fmt.Errorf("%s is not in the module cache: go mod download", Module)
	}
	return dir, nil
}

// Load parses the package in dir.
func Load(dir string) (*Source, error) {
	s := &Source{
		Structs: map[string]*Shape{}, Unions: map[string]*Shape{}, Enums: map[string][]string{},
		dir: dir, funcs: map[string]*ast.FuncDecl{}, docs: map[string]string{},
	}
	files, err := filepath.Glob(filepath.Join(dir, "api_op_*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"types/types.go", "types/enums.go", "serializers.go", "deserializers.go"} {
		files = append(files, filepath.Join(dir, name))
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		s.declarations(f)
	}
	return s, s.shapes()
}

// declarations notes types, enum values and functions of one file.
func (s *Source) declarations(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			s.funcs[funcName(d)] = d
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					s.specs = append(s.specs, spec)
					s.docs[spec.Name.Name] = oneLine(cmp.Or(spec.Doc, d.Doc))
				case *ast.ValueSpec:
					s.enumValue(spec)
				}
			}
		}
	}
}

func (s *Source) enumValue(spec *ast.ValueSpec) {
	id, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	if v, ok := literal(spec.Values[0]); ok {
		s.Enums[id.Name] = append(s.Enums[id.Name], v)
	}
}

// shapes turns the noted types into structures and unions, unions first since their names decide what an identifier is.
func (s *Source) shapes() error {
	const branch = "Member"
	for _, spec := range s.specs {
		if _, ok := spec.Type.(*ast.InterfaceType); ok {
			s.Unions[spec.Name.Name] = &Shape{Name: spec.Name.Name, Doc: s.docs[spec.Name.Name]}
		}
	}
	for _, spec := range s.specs {
		if st, ok := spec.Type.(*ast.StructType); ok && isShape(spec.Name.Name, st) {
			s.Structs[spec.Name.Name] = &Shape{Name: spec.Name.Name, Doc: s.docs[spec.Name.Name]}
		}
	}
	for _, spec := range s.specs {
		shape := s.Structs[spec.Name.Name]
		if shape == nil {
			continue
		}
		st, _ := spec.Type.(*ast.StructType)
		for _, f := range st.Fields.List {
			if len(f.Names) != 1 || !f.Names[0].IsExported() || f.Names[0].Name == "ResultMetadata" {
				continue
			}
			t, err := s.typeOf(f.Type)
			if err != nil {
				return fmt.Errorf("%s.%s: %w", spec.Name.Name, f.Names[0].Name, err)
			}
			doc := oneLine(f.Doc)
			shape.Fields = append(shape.Fields, Field{
				Name: f.Names[0].Name, Doc: doc, Type: t, Required: strings.Contains(doc, "This member is required."),
			})
		}
	}
	for _, spec := range s.specs {
		union, option, ok := strings.Cut(spec.Name.Name, branch)
		u := s.Unions[union]
		st := s.Structs[spec.Name.Name]
		if !ok || u == nil || st == nil || len(st.Fields) != 1 || st.Fields[0].Name != "Value" {
			continue
		}
		u.Fields = append(u.Fields, Field{Name: option, Doc: st.Doc, Type: st.Fields[0].Type})
	}
	return nil
}

// isShape tells shapes of the service from the client's machinery: the generator of the SDK marks them with an embedded field.
func isShape(name string, st *ast.StructType) bool {
	return name != "UnknownUnionMember" && slices.ContainsFunc(st.Fields.List, func(f *ast.Field) bool {
		id, ok := f.Type.(*ast.Ident)
		return ok && len(f.Names) == 0 && id.Name == "noSmithyDocumentSerde"
	})
}

var scalars = map[string]Kind{"string": String, "int32": Int32, "int64": Int64, "float32": Float32, "float64": Float64, "bool": Bool}

func (s *Source) typeOf(e ast.Expr) (Type, error) {
	switch t := e.(type) {
	case *ast.StarExpr:
		return s.typeOf(t.X)
	case *ast.ArrayType:
		elem, err := s.typeOf(t.Elt)
		return Type{Kind: List, Elem: &elem}, err
	case *ast.MapType:
		elem, err := s.typeOf(t.Value)
		return Type{Kind: Map, Elem: &elem}, err
	case *ast.SelectorExpr:
		switch pkg := t.X.(*ast.Ident).Name; {
		case pkg == "time" && t.Sel.Name == "Time":
			return Type{Kind: Time}, nil
		case pkg == "document":
			return Type{Kind: Document}, nil
		case pkg == "types":
			return s.typeOf(t.Sel)
		}
	case *ast.Ident:
		if k, ok := scalars[t.Name]; ok {
			return Type{Kind: k}, nil
		}
		switch {
		case s.Unions[t.Name] != nil:
			return Type{Kind: Union, Name: t.Name}, nil
		case s.Structs[t.Name] != nil:
			return Type{Kind: Struct, Name: t.Name}, nil
		case s.Enums[t.Name] != nil:
			return Type{Kind: Enum, Name: t.Name}, nil
		}
		return Type{}, fmt.Errorf("unknown type %s", t.Name)
	}
	return Type{}, fmt.Errorf("a type of an unexpected form: %T", e)
}

// Operation is one operation as the serializers and deserializers know it.
type Operation struct {
	Name    string
	Method  string
	Pattern string            // /tags/{ResourceArn}, /actionTargets/{ActionTargetArn+}
	Path    map[string]string // members of the input that travel in the path: Go name to label
	Query   map[string]string // members of the input that travel in the query: Go name to parameter
	Errors  []string          // modelled exceptions, sorted
}

const (
	serializer   = "awsRestjson1_serializeOp"
	bindings     = "awsRestjson1_serializeOpHttpBindings"
	errorsOf     = "awsRestjson1_deserializeOpError"
	serializeMid = ".HandleSerialize"
)

// Operations answers every operation, sorted by name.
func (s *Source) Operations() ([]Operation, error) {
	var ops []Operation
	for name, f := range s.funcs {
		name, ok := strings.CutPrefix(name, serializer)
		if !ok {
			continue
		}
		name, ok = strings.CutSuffix(name, serializeMid)
		if !ok {
			continue
		}
		op := Operation{Name: name, Path: map[string]string{}, Query: map[string]string{}}
		op.request(f)
		if op.Method == "" || op.Pattern == "" {
			return nil, fmt.Errorf("%s: no method or path in its serializer", name)
		}
		if b := s.funcs[bindings+name+"Input"]; b != nil {
			op.bind(b)
		}
		e := s.funcs[errorsOf+name]
		if e == nil {
			return nil, fmt.Errorf("%s: no error deserializer", name)
		}
		op.errors(e)
		if s.Structs[name+"Input"] == nil || s.Structs[name+"Output"] == nil {
			return nil, fmt.Errorf("%s: no input or output", name)
		}
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(a, b Operation) int { return strings.Compare(a.Name, b.Name) })
	return ops, nil
}

// request finds request.Method = "..." and httpbinding.SplitURI("...").
func (op *Operation) request(f *ast.FuncDecl) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if sel, ok := n.Lhs[0].(*ast.SelectorExpr); ok && sel.Sel.Name == "Method" {
				op.Method, _ = literal(n.Rhs[0])
			}
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "SplitURI" {
				op.Pattern, _ = literal(n.Args[0])
			}
		}
		return true
	})
}

// bind finds encoder.SetURI("label").String(*v.Member) and its likes for the query.
func (op *Operation) bind(f *ast.FuncDecl) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		where, ok := sel.X.(*ast.CallExpr)
		if !ok || len(where.Args) != 1 {
			return true
		}
		wire, ok := literal(where.Args[0])
		if !ok {
			return true
		}
		member := memberOf(call.Args[0])
		switch fun, _ := where.Fun.(*ast.SelectorExpr); {
		case fun == nil || member == "":
		case fun.Sel.Name == "SetURI":
			op.Path[member] = wire
		case fun.Sel.Name == "SetQuery" || fun.Sel.Name == "AddQuery":
			op.Query[member] = wire
		}
		return true
	})
}

// errors finds strings.EqualFold("XException", errorCode).
func (op *Operation) errors(f *ast.FuncDecl) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "EqualFold" {
			if code, ok := literal(call.Args[0]); ok {
				op.Errors = append(op.Errors, code)
			}
		}
		return true
	})
	slices.Sort(op.Errors)
}

// Wire answers the name on the wire of each field that travels in a body. The serializer says it where the shape is sent, the
// deserializer where it is answered.
func (s *Source) Wire(shape *Shape) (map[string]string, error) {
	keys := map[string]bool{}
	found := false
	for _, prefix := range []string{
		"awsRestjson1_serializeDocument", "awsRestjson1_serializeOpDocument",
		"awsRestjson1_deserializeDocument", "awsRestjson1_deserializeOpDocument",
	} {
		if f := s.funcs[prefix+shape.Name]; f != nil {
			found = true
			wireKeys(f, keys)
		}
	}
	names := map[string]string{}
	if !found {
		return names, nil // nothing of it travels in a body
	}
	for _, f := range shape.Fields {
		if keys[f.Name] {
			names[f.Name] = f.Name
			continue
		}
		for k := range keys {
			if strings.EqualFold(k, f.Name) {
				if names[f.Name] != "" {
					return nil, errors.New(shape.Name + "." + f.Name + ": two wire names")
				}
				names[f.Name] = k
			}
		}
	}
	return names, nil
}

// wireKeys finds object.Key("...") of a serializer and case "..." of a deserializer.
func wireKeys(f *ast.FuncDecl, keys map[string]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Key" && len(n.Args) == 1 {
				if k, ok := literal(n.Args[0]); ok {
					keys[k] = true
				}
			}
		case *ast.CaseClause:
			for _, e := range n.List {
				if k, ok := literal(e); ok {
					keys[k] = true
				}
			}
		}
		return true
	})
}

// memberOf finds v.Member in an expression: *v.Member, string(v.Member), v.Member[i].
func memberOf(e ast.Expr) (name string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == "v" {
				name = sel.Sel.Name
			}
		}
		return true
	})
	return name
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	v, err := strconv.Unquote(l.Value)
	return v, err == nil
}

func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "." + d.Name.Name
	}
	return d.Name.Name
}

func oneLine(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }
