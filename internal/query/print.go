package query

// String prints e.
func (e Expr) String() string { return "" }

// Parse reads what String prints.
func Parse(s string) (Expr, error) { _ = s; return Expr{}, nil }

// ParseError says where a printed expression stops making sense.
type ParseError struct {
	Offset int // in bytes, from 0
	Reason string
}

func (e *ParseError) Error() string { return e.Reason }
