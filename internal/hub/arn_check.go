package hub

// IsProductARN tells whether an ARN names a product of a Region, known or not. An import that holds another is refused whole
// (spec 1.1.8); `hubcap lint` says so beforehand.
func IsProductARN(s string) bool {
	_, ok := parseProductARN(s)
	return ok
}
