package event

// each calls fn for the members of an object, or the elements of a list (without key), as long as it says so. Events are made of
// documents that were read before (asff), so this only walks; on what is no JSON it ends somewhere, within the text.
func each(value []byte, fn func(key, v []byte) bool) {
	if len(value) < 2 {
		return
	}
	object := value[0] == '{'
	at := 1
	for {
		at = blank(value, at)
		if at >= len(value) || value[at] == '}' || value[at] == ']' {
			return
		}
		var key []byte
		if object {
			end := skip(value, at)
			key = value[at:end]
			at = blank(value, end)
			if at >= len(value) || value[at] != ':' {
				return
			}
			at = blank(value, at+1)
		}
		end := skip(value, at)
		if end == at || !fn(key, value[at:end]) {
			return
		}
		at = blank(value, end)
		if at >= len(value) || value[at] != ',' {
			return
		}
		at++
	}
}

func blank(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\t' || b[at] == '\n' || b[at] == '\r') {
		at++
	}
	return at
}

// skip is the place behind the value at a place.
func skip(b []byte, at int) int {
	depth := 0
	for at < len(b) {
		switch b[at] {
		case '"':
			at = skipText(b, at)
			if depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
			if depth < 0 {
				return at
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return len(b)
}

func skipText(b []byte, at int) int {
	for at++; at < len(b); at++ {
		switch b[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(b)
}
