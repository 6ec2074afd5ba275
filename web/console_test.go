package web

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// tree is a build as Vite and scripts/compress.mjs leave it.
func tree() fstest.MapFS {
	return fstest.MapFS{
		"dist-absent.html":           {Data: []byte("how to build it")},
		"dist/index.html":            {Data: []byte("<html>the page</html>")},
		"dist/favicon.svg":           {Data: []byte("<svg/>")},
		"dist/assets/app-1a2b.js":    {Data: []byte("as it is")},
		"dist/assets/app-1a2b.js.gz": {Data: []byte("in gzip")},
		"dist/assets/app-1a2b.js.br": {Data: []byte("in brotli")},
		"dist/assets/app-1a2b.css":   {Data: []byte("body{}")},
	}
}

func get(t *testing.T, c *Console, method, target string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, http.NoBody)
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	require.Equal(t, Policy, w.Header().Get("Content-Security-Policy"), target)
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), target)
	require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"), target)
	require.Equal(t, Permissions, w.Header().Get("Permissions-Policy"), target)
	return w
}

func TestFilesAndPages(t *testing.T) {
	c, err := open(tree())
	require.NoError(t, err)
	require.True(t, c.Built())
	const again, forever = "no-cache", "public, max-age=31536000, immutable"
	for _, want := range []struct {
		target, body, contentType, cache string
		status                           int
	}{
		{"/console/", "<html>the page</html>", "text/html; charset=utf-8", again, 200},
		{"/console/index.html", "<html>the page</html>", "text/html; charset=utf-8", again, 200},
		{"/console/findings/arn%3Aaws%3Ax%2Fy", "<html>the page</html>", "text/html; charset=utf-8", again, 200},
		{"/console/../etc/passwd", "<html>the page</html>", "text/html; charset=utf-8", again, 200},
		{"/console/favicon.svg", "<svg/>", "image/svg+xml", again, 200},
		{"/console/assets/app-1a2b.js", "as it is", "text/javascript; charset=utf-8", forever, 200},
		{"/console/assets/app-1a2b.css", "body{}", "text/css; charset=utf-8", forever, 200},
		{"/console/assets/app-old.js", "The console has no such file.\n", "text/plain; charset=utf-8", "no-store", 404},
		{"/console/assets/", "The console has no such file.\n", "text/plain; charset=utf-8", "no-store", 404},
		{"/console/assets/../index.html", "The console has no such file.\n", "text/plain; charset=utf-8", "no-store", 404},
	} {
		w := get(t, c, "GET", want.target, nil)
		require.Equal(t, want.status, w.Code, want.target)
		require.Equal(t, want.body, w.Body.String(), want.target)
		require.Equal(t, want.contentType, w.Header().Get("Content-Type"), want.target)
		require.Equal(t, want.cache, w.Header().Get("Cache-Control"), want.target)
	}
	require.Empty(t, get(t, c, "HEAD", "/console/", nil).Body.String())
}

func TestEncodings(t *testing.T) {
	c, err := open(tree())
	require.NoError(t, err)
	tags := map[string]string{}
	for accept, want := range map[string]string{
		"gzip, deflate, br, zstd": "br", "gzip": "gzip", "GZIP;q=0.5": "gzip", "br;q=0, gzip": "gzip", "*": "br", "*, br;q=0": "gzip",
		"": "", "identity": "", "br;q=0, gzip;q=0": "", "br;q=none": "", "deflate": "",
	} {
		w := get(t, c, "GET", "/console/assets/app-1a2b.js", http.Header{"Accept-Encoding": {accept}})
		require.Equal(t, want, w.Header().Get("Content-Encoding"), accept)
		require.Equal(t, map[string]string{"br": "in brotli", "gzip": "in gzip", "": "as it is"}[want], w.Body.String(), accept)
		require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"))
		tags[w.Header().Get("ETag")] = want
	}
	require.Len(t, tags, 3, "a form has a tag of its own")
	w := get(t, c, "GET", "/console/assets/app-1a2b.css", http.Header{"Accept-Encoding": {"br"}})
	require.Empty(t, w.Header().Get("Content-Encoding"))
	require.Empty(t, w.Header().Get("Vary"), "there is one form only")
}

func TestUnchangedIsNotSentAgain(t *testing.T) {
	c, err := open(tree())
	require.NoError(t, err)
	for _, target := range []string{"/console/", "/console/assets/app-1a2b.js"} {
		first := get(t, c, "GET", target, http.Header{"Accept-Encoding": {"br"}})
		again := get(t, c, "GET", target, http.Header{"Accept-Encoding": {"br"}, "If-None-Match": {first.Header().Get("ETag")}})
		require.Equal(t, 304, again.Code)
		require.Empty(t, again.Body.String())
		other := get(t, c, "GET", target, http.Header{"If-None-Match": {`"another"`}})
		require.Equal(t, 200, other.Code)
	}
}

func TestWithoutABuild(t *testing.T) {
	from := tree()
	delete(from, "dist/index.html")
	c, err := open(from)
	require.NoError(t, err)
	require.False(t, c.Built())
	require.Equal(t, "how to build it", get(t, c, "GET", "/console/", nil).Body.String())
	require.Equal(t, 404, get(t, c, "GET", "/console/assets/app-1a2b.js", nil).Code, "half a build is none")

	_, err = open(fstest.MapFS{})
	require.Error(t, err)
	absent, err := os.ReadFile("dist-absent.html")
	require.NoError(t, err)
	require.Contains(t, string(absent), "make run")
	_, err = Embedded()
	require.NoError(t, err)
}
