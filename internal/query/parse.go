package query

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hubcap/internal/asff"
)

// maxNesting bounds how deep a printed expression may nest.
const maxNesting = 200

// ParseError says where a printed expression stops making sense.
type ParseError struct {
	Offset int // in bytes, from 0
	Reason string
}

func (e *ParseError) Error() string {
	return "at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

// Parse reads the printed form of an Expr (see the grammar in print.go), without relative dates. The empty text asks for everything. The
// error is a *ParseError.
func Parse(s string) (Expr, error) { return ParseAt(s, time.Time{}) }

// ParseAt is Parse with relative dates, resolved at now: UpdatedAt within 7 days means from seven days before now on, without an upper
// end (D64); older than 7 days means until then.
func ParseAt(s string, now time.Time) (Expr, error) {
	p := parser{text: s, now: now}
	p.next()
	if p.err == nil && p.kind == endOfText {
		return Expr{}, nil
	}
	e := p.or(0)
	if p.err == nil && p.kind != endOfText {
		p.expected("and, or, or the end")
	}
	if p.err != nil {
		return Expr{}, p.err
	}
	return e, nil
}

type tokenKind uint8

const (
	endOfText tokenKind = iota
	bareWord
	quotedText
	symbol
)

// parser holds one token of look-ahead. After the first error it stands at the end of the text, so that every loop ends.
type parser struct {
	text string
	now  time.Time // zero: there are no relative dates
	pos  int       // after the token
	err  *ParseError

	kind  tokenKind
	start int    // of the token
	word  string // bareWord as written, quotedText decoded, symbol as written
}

func (p *parser) fail(offset int, reason string) {
	if p.err == nil {
		p.err = &ParseError{Offset: offset, Reason: reason}
	}
	p.kind, p.word, p.start, p.pos = endOfText, "", len(p.text), len(p.text)
}

func (p *parser) expected(what string) {
	found := "the end"
	if p.kind != endOfText {
		found = quoted(p.text[p.start:p.pos])
	}
	p.fail(p.start, "expected "+what+", found "+found)
}

// next reads a token.
func (p *parser) next() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	p.start = p.pos
	rest := p.text[p.pos:]
	switch {
	case rest == "":
		p.kind, p.word = endOfText, ""
	case rest[0] == '"':
		lit, err := strconv.QuotedPrefix(rest)
		if err == nil {
			p.word, err = strconv.Unquote(lit)
		}
		if err != nil {
			p.fail(p.start, "a quoted text that does not end or has an unknown escape")
			return
		}
		p.kind = quotedText
		p.pos += len(lit)
	case bareLength(rest) > 0:
		n := bareLength(rest)
		p.kind, p.word = bareWord, rest[:n]
		p.pos += n
	case strings.IndexByte("=()[],<>!", rest[0]) >= 0:
		n := 1
		if len(rest) > 1 && rest[1] == '=' && strings.IndexByte("<>!=", rest[0]) >= 0 {
			n = 2
		}
		p.kind, p.word = symbol, rest[:n]
		p.pos += n
	default:
		p.fail(p.start, "unexpected character "+firstRune(rest)+"; put values in double quotes")
	}
}

func bareLength(s string) int {
	for i, r := range s {
		if !isBareRune(r) {
			return i
		}
	}
	return len(s)
}

func firstRune(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	return strconv.QuoteRune(r)
}

// is tells whether the token is this word, in any case, or this symbol.
func (p *parser) is(word string) bool {
	switch p.kind {
	case bareWord:
		return strings.EqualFold(p.word, word)
	case symbol:
		return p.word == word
	default:
		return false
	}
}

// take goes past the token if it is this word or symbol.
func (p *parser) take(word string) bool {
	if !p.is(word) {
		return false
	}
	p.next()
	return true
}

func (p *parser) need(word string) {
	if !p.take(word) {
		p.expected(word)
	}
}

func (p *parser) or(depth int) Expr { return p.chain("or", Or, depth, p.and) }

func (p *parser) and(depth int) Expr { return p.chain("and", And, depth, p.not) }

func (p *parser) chain(word string, op Op, depth int, part func(int) Expr) Expr {
	first := part(depth)
	if !p.is(word) {
		return first
	}
	args := []Expr{first}
	for p.take(word) {
		args = append(args, part(depth))
	}
	return Expr{Op: op, Args: args}
}

func (p *parser) not(depth int) Expr {
	switch {
	case depth > maxNesting:
		p.fail(p.start, "nested deeper than "+strconv.Itoa(maxNesting))
		return Expr{}
	case p.take("not"):
		return Negate(p.not(depth + 1))
	case p.take("("):
		e := p.or(depth + 1)
		p.need(")")
		return e
	case p.take("all"):
		return Expr{}
	case p.take("none"):
		return Expr{Op: None}
	default:
		return p.condition()
	}
}

// condition reads an attribute and its test.
func (p *parser) condition() Expr {
	if p.kind != bareWord {
		p.expected("the name of an attribute")
		return Expr{}
	}
	f, ok := asff.FieldByName(p.word)
	if !ok {
		p.fail(p.start, "no attribute "+quoted(p.word)+didYouMean(p.word))
		return Expr{}
	}
	p.next()
	c := Cond{Field: f}
	if f.Kind() == asff.KindMap {
		if !p.is("[") {
			p.expected("[ and the key of " + f.Name())
			return Expr{}
		}
		p.next()
		c.Key, _ = p.value("the key")
		p.need("]")
	}
	return p.test(c)
}

func didYouMean(word string) string {
	for _, f := range asff.Fields() {
		if strings.EqualFold(f.Name(), word) {
			return "; did you mean " + f.Name() + "?"
		}
	}
	return ""
}

func (p *parser) test(c Cond) Expr {
	at := p.start
	switch {
	case p.take("exists"):
		c.Cmp = Exists
		return p.where(at, c)
	case p.take("missing"):
		c.Cmp = Exists
		return Negate(p.where(at, c))
	case p.take("="), p.take("=="):
		return p.equal(at, c)
	case p.take("!="):
		return Negate(p.equal(at, c))
	case p.kind == symbol && (p.word[0] == '<' || p.word[0] == '>'):
		return p.compared(c)
	case p.take("not"):
		return Negate(p.wordTest(c))
	default:
		return p.wordTest(c)
	}
}

// wordTest reads one of the tests that may be negated with a "not" before them.
func (p *parser) wordTest(c Cond) Expr {
	at := p.start
	switch {
	case p.take("startswith"), p.take("prefix"):
		c.Cmp = Prefix
		c.Text, _ = p.value("a value")
		return p.where(at, c)
	case p.take("contains"):
		c.Cmp = Contains
		if c.Field.Kind() == asff.KindKeyword {
			c.Cmp = Keyword
		}
		c.Text, _ = p.value("a value")
		return p.where(at, c)
	case p.take("within"):
		return p.within(at, c)
	case p.take("older"):
		p.need("than")
		p.needOrder(at, c.Field)
		c.Cmp, c.Lo, c.Hi, c.HiOpen = Range, math.Inf(-1), p.ago(c.Field), true
		return p.where(at, c)
	case p.take("in"):
		if p.take("cidr") {
			return p.cidr(at, c)
		}
		return p.list(at, c)
	}
	p.expected("a test: =, !=, <, <=, >, >=, startswith, contains, in, within, older than, exists, missing")
	return Expr{}
}

// where checks that the test suits the attribute.
func (p *parser) where(at int, c Cond) Expr {
	if p.err == nil && !c.suits() {
		p.unsuited(at, c.Field)
	}
	return Where(c)
}

// needOrder refuses <, > and within on what is neither number nor date, before their bounds are read as such.
func (p *parser) needOrder(at int, f asff.Field) {
	if c := (Cond{Field: f, Cmp: Range}); p.err == nil && !c.suits() {
		p.unsuited(at, f)
	}
}

func (p *parser) unsuited(at int, f asff.Field) {
	p.fail(at, "this test does not suit "+f.Name()+", which is "+kindName(f.Kind()))
}

// suits tells whether the comparison is one that the attribute's kind takes: what Compile and Parse make, nothing else.
func (c *Cond) suits() bool {
	switch c.Field.Kind() {
	case asff.KindNumber, asff.KindDate:
		return c.Cmp == Range || c.Cmp == Exists
	case asff.KindIP:
		return c.Cmp == InCIDR || c.Cmp == Exists
	case asff.KindKeyword:
		return c.Cmp == Keyword
	case asff.KindBool:
		return c.Cmp == Exists || c.Cmp == Equals && (c.Text == "true" || c.Text == "false")
	default:
		return c.Cmp == Equals || c.Cmp == Prefix || c.Cmp == Contains || c.Cmp == Exists
	}
}

func kindName(k asff.FieldKind) string {
	return [...]string{
		asff.KindString: "text", asff.KindNumber: "a number", asff.KindDate: "a date", asff.KindIP: "an address",
		asff.KindMap: "a map of texts", asff.KindBool: "true or false", asff.KindKeyword: "a search for a word",
	}[k]
}

// value reads a bare word or a quoted text. inf and -inf are bare words only here.
func (p *parser) value(what string) (text string, offset int) {
	text, offset = p.word, p.start
	switch {
	case p.kind == quotedText:
	case p.kind == bareWord && (!isReserved(text) || strings.HasSuffix(strings.ToLower(text), "inf")):
	case p.kind == bareWord:
		p.fail(offset, quoted(text)+" is a word of the language; put it in double quotes")
		return "", offset
	default:
		p.expected(what)
		return "", offset
	}
	p.next()
	return text, offset
}

// equal reads the value of = and makes the condition that suits the attribute.
func (p *parser) equal(at int, c Cond) Expr {
	switch c.Field.Kind() {
	case asff.KindNumber, asff.KindDate:
		c.Cmp = Range
		c.Lo = p.bound(c.Field)
		c.Hi = c.Lo
		if math.IsInf(c.Lo, 0) {
			p.fail(at, "nothing equals inf")
		}
	case asff.KindIP:
		return p.cidr(at, c)
	default:
		c.Cmp = Equals
		c.Text, _ = p.value("a value")
	}
	return p.where(at, c)
}

func (p *parser) compared(c Cond) Expr {
	at, word := p.start, p.word
	p.next()
	p.needOrder(at, c.Field)
	x := p.bound(c.Field)
	c.Cmp, c.Lo, c.Hi = Range, math.Inf(-1), math.Inf(1)
	open := len(word) == 1
	if word[0] == '<' {
		c.Hi, c.HiOpen = x, open
	} else {
		c.Lo, c.LoOpen = x, open
	}
	return p.where(at, c)
}

func (p *parser) within(at int, c Cond) Expr {
	p.needOrder(at, c.Field)
	c.Cmp = Range
	switch {
	case p.take("["):
	case p.take("("):
		c.LoOpen = true
	case c.Field.Kind() == asff.KindDate:
		c.Lo, c.Hi = p.ago(c.Field), math.Inf(1)
		return p.where(at, c)
	default:
		p.expected("[ or (")
	}
	c.Lo = p.bound(c.Field)
	p.need(",")
	c.Hi = p.bound(c.Field)
	switch {
	case p.take("]"):
	case p.take(")"):
		c.HiOpen = true
	default:
		p.expected("] or )")
	}
	return p.where(at, c)
}

// bound reads a number, or an instant in Unix milliseconds where the attribute is a date.
func (p *parser) bound(f asff.Field) float64 {
	if f.Kind() != asff.KindDate {
		text, at := p.value("a number")
		return p.number(text, at)
	}
	text, at := p.value("a date")
	switch strings.ToLower(text) {
	case "inf", "-inf":
		return p.number(text, at)
	}
	if ms, ok := strings.CutPrefix(text, "@"); ok {
		return p.number(ms, at)
	}
	if day, err := time.Parse(dayForm, text); err == nil {
		return float64(day.UnixMilli())
	}
	ms, ok := asff.ParseTime([]byte(text))
	if !ok {
		p.fail(at, quoted(text)+" is no date: write 2026-01-31 or 2026-01-31T15:04:05Z")
	}
	return float64(ms)
}

// spans are the units of relative dates.
var spans = map[string]time.Duration{
	"minute": time.Minute, "minutes": time.Minute, "hour": time.Hour, "hours": time.Hour,
	"day": day, "days": day, "week": 7 * day, "weeks": 7 * day,
}

// mostAgo bounds relative dates, as the API's filters do.
const mostAgo = maxRangeDays * day

// ago reads a span of time and answers the instant that lies so far back, in Unix milliseconds.
func (p *parser) ago(f asff.Field) float64 {
	at := p.start
	if f.Kind() != asff.KindDate {
		p.fail(at, "only dates have an age, and "+f.Name()+" is "+kindName(f.Kind()))
		return 0
	}
	text, _ := p.value("a number of days, such as 7 days, or [ and two dates")
	n, err := strconv.Atoi(text)
	if p.err == nil && (err != nil || n < 1) {
		p.fail(at, quoted(text)+" is no number of days: write 7 days, 12 hours, or [2026-01-31, 2026-02-28]")
		return 0
	}
	unit, ok := spans[strings.ToLower(p.word)]
	if p.kind != bareWord || !ok {
		p.expected("minutes, hours, days or weeks")
		return 0
	}
	p.next()
	if n > int(mostAgo/unit) {
		p.fail(at, "no more than "+strconv.Itoa(maxRangeDays)+" days")
	}
	if p.now.IsZero() {
		p.fail(at, "no relative date can stand here")
		return 0
	}
	return float64(p.now.Add(-time.Duration(n) * unit).UnixMilli())
}

func (p *parser) number(text string, at int) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if p.err == nil && (err != nil || math.IsNaN(x)) {
		p.fail(at, quoted(text)+" is no number")
	}
	return x
}

func (p *parser) cidr(at int, c Cond) Expr {
	text, offset := p.value("an address or a network")
	net, ok := network(text)
	if p.err == nil && !ok {
		p.fail(offset, quoted(text)+" is no address and no network: write 10.0.0.1 or 10.0.0.0/8")
	}
	c.Cmp, c.Text = InCIDR, net.String()
	return p.where(at, c)
}

func (p *parser) list(at int, c Cond) Expr {
	p.need("(")
	var args []Expr
	for {
		args = append(args, p.equal(at, c))
		if !p.take(",") {
			break
		}
	}
	p.need(")")
	return Any(args...)
}
