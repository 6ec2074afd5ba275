package server

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"

	"hubcap/internal/api"
)

// identity answers POST / of the query protocol: clients ask who they are before anything else (numbered in docs/differences.md:
// AWS answers it at another host, the one of STS). Every other Action is refused by name.
func (c *call) identity() {
	c.xml = true
	if err := c.receive("sts"); err != nil {
		c.fail(err)
		return
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		c.fail(api.Errorf(api.Serialization, "The form in the request body cannot be read: %v.", err))
		return
	}
	switch action := form.Get("Action"); action {
	case "GetCallerIdentity":
		var b bytes.Buffer
		b.WriteString(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>`)
		escape(&b, c.who.ARN)
		b.WriteString("</Arn><UserId>")
		escape(&b, c.who.KeyID)
		b.WriteString("</UserId><Account>")
		escape(&b, c.who.Account)
		b.WriteString("</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>" + c.id +
			"</RequestId></ResponseMetadata></GetCallerIdentityResponse>\n")
		c.w.Header()["Content-Type"] = contentXML
		c.send(http.StatusOK, b.Bytes())
	case "":
		c.fail(api.Errorf(api.MissingAuthenticationToken, "Missing Authentication Token"))
	default:
		c.fail(api.Errorf(api.NotImplemented, "Of the query protocol hubcap knows GetCallerIdentity alone, not %s.", action))
	}
}

// errorXML is an error of the query protocol.
func errorXML(e *api.Error, id string) []byte {
	var b bytes.Buffer
	b.WriteString(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>`)
	if e.Status < 500 {
		b.WriteString("Sender")
	} else {
		b.WriteString("Receiver")
	}
	b.WriteString("</Type><Code>")
	escape(&b, e.Code)
	b.WriteString("</Code><Message>")
	escape(&b, e.Message)
	b.WriteString("</Message></Error><RequestId>" + id + "</RequestId></ErrorResponse>\n")
	return b.Bytes()
}

func escape(b *bytes.Buffer, s string) {
	_ = xml.EscapeText(b, []byte(s)) // a bytes.Buffer takes everything
}
