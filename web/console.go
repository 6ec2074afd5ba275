// Package web is the console: a React application (src/), built by Vite into dist/ and kept in the binary, and the handler that serves
// it under /console/. The application is one more client of the API; this package knows nothing of findings, keys or the hub.
package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Root is where the console is served; what follows names one of its files or a page of the application.
const Root = "/console/"

// assets are the files whose names hold a hash of what is in them: a name never means anything else.
const assets = "assets/"

// Policy is the Content-Security-Policy of every page: nothing from elsewhere, no inline script, no frame around it. Cloudscape's styles
// are files; what its components set one by one goes by the CSSOM, which a policy does not bind.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Permissions is the Permissions-Policy: the console copies text, and asks a browser for nothing else.
const Permissions = "accelerometer=(), camera=(), clipboard-read=(), clipboard-write=(self), display-capture=(), geolocation=(), gyroscope=(), " +
	"hid=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), " +
	"xr-spatial-tracking=()"

// Console serves the files of a build, or the page that says how to make one.
type Console struct {
	files map[string]*file // by path under Root
	page  *file            // what the application's own addresses answer
	built bool
}

// file is one file and the forms in which it may go out.
type file struct {
	contentType string
	forms       []form // the best one first, the file itself last
}

// form is a file's text in one Content-Encoding.
type form struct {
	encoding string // "br", "gzip"; "": as it is
	text     []byte
	tag      string // ETag, quoted
}

// encodings are those that a build makes, by the ending that it gives them, the smallest first.
var encodings = []struct{ ending, name string }{{".br", "br"}, {".gz", "gzip"}}

// Embedded is the console of this binary.
var Embedded = sync.OnceValues(func() (*Console, error) { return open(built) })

// open reads a build: dist, and dist-absent.html beside it.
func open(from fs.FS) (*Console, error) {
	c := &Console{files: map[string]*file{}}
	err := fs.WalkDir(from, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		c.add(strings.TrimPrefix(name, "dist/"), text)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("console: %w", err)
	}
	if c.page = c.files["index.html"]; c.page != nil {
		c.built = true
		return c, nil
	}
	text, err := fs.ReadFile(from, "dist-absent.html")
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	c.files = map[string]*file{}
	c.page = c.add("index.html", text)
	return c, nil
}

// add keeps a file, or another form of one: the name without its ending says of which.
func (c *Console) add(name string, text []byte) *file {
	f := form{text: text}
	for _, e := range encodings {
		if plain, ok := strings.CutSuffix(name, e.ending); ok {
			name, f.encoding = plain, e.name
			break
		}
	}
	sum := sha256.Sum256(append([]byte(f.encoding+"\n"), text...))
	f.tag = `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	known := c.files[name]
	if known == nil {
		known = &file{contentType: contentType(name)}
		c.files[name] = known
	}
	known.forms = append(known.forms, f)
	slices.SortFunc(known.forms, func(a, b form) int { return cmp.Compare(rank(a.encoding), rank(b.encoding)) })
	return known
}

func rank(encoding string) int {
	for i, e := range encodings {
		if e.name == encoding {
			return i
		}
	}
	return len(encodings)
}

// contentTypes are those of a build's files: what the machine's own tables say must not matter.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".woff": "font/woff", ".txt": "text/plain; charset=utf-8",
	".map": "application/json", ".webmanifest": "application/manifest+json",
}

func contentType(name string) string {
	ending := path.Ext(name)
	return cmp.Or(contentTypes[ending], mime.TypeByExtension(ending), "application/octet-stream")
}

// Built tells whether there is a console; else the page says how to make one.
func (c *Console) Built() bool { return c.built }

// ServeHTTP answers GET and HEAD of a path under Root. A path that is no file's is the application's, which reads it itself; but under assets
// there are files only. Names are unescaped and looked up as they are, so no path leads out of the build.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	Harden(w.Header())
	name := strings.TrimPrefix(r.URL.Path, Root)
	f := c.files[name]
	hashed := strings.HasPrefix(name, assets)
	if f == nil {
		if hashed {
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "The console has no such file.", http.StatusNotFound)
			return
		}
		f = c.page
	}
	h := w.Header()
	if hashed {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache") // asked for each time, and answered 304 while it is the same
	}
	h.Set("Content-Type", f.contentType)
	form := &f.forms[len(f.forms)-1]
	if len(f.forms) > 1 {
		h.Add("Vary", "Accept-Encoding")
		form = f.choose(r.Header.Values("Accept-Encoding"))
	}
	if form.encoding != "" {
		h.Set("Content-Encoding", form.encoding)
	}
	h.Set("ETag", form.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(form.text))
}

// Harden sets what every answer beside the API's says to a browser.
func Harden(h http.Header) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", Permissions)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// choose is the smallest form that a client takes (RFC 9110, 12.5.3). Of a client that takes none, not even the file as it is, it makes no
// difficulty: the file as it is.
func (f *file) choose(accept []string) *form {
	weight := map[string]float64{}
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(item, ";")
			q := 1.0
			for p := range strings.SplitSeq(parameters, ";") {
				if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(k), "q") {
					var err error
					if q, err = strconv.ParseFloat(strings.TrimSpace(v), 64); err != nil {
						q = 0
					}
				}
			}
			weight[strings.ToLower(strings.TrimSpace(name))] = q
		}
	}
	for i := range f.forms {
		e := f.forms[i].encoding
		q, named := weight[e]
		if !named {
			q = weight["*"]
		}
		if e != "" && q > 0 {
			return &f.forms[i]
		}
	}
	return &f.forms[len(f.forms)-1]
}
