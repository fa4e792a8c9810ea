package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page is part of the binary
	"encoding/base64"
	"fmt"
	"html/template"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/yuin/goldmark"

	"orak/api/resource"
)

// The page and its style. It has no script.
var (
	//go:embed reference.html
	referencePage string
	//go:embed reference.css
	referenceStyle string
)

// reference is the contract as a page, rendered once.
var reference = sync.OnceValues(renderReference)

// getReference answers with the contract as a page for people.
func (s *Server) getReference(c *fiber.Ctx) error {
	page, err := reference()
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(referenceStyle))
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Send(page)
}

func renderReference() ([]byte, error) {
	doc, err := parseContract(contract)
	if err != nil {
		return nil, err
	}
	page, err := template.New("reference").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(referenceStyle) },
		"text":  markdown, "response": doc.response, "parameter": doc.parameter, "rows": doc.rows, "type": typeOf,
		"code": func(kind string) string { return kind[min(len(resource.ProblemType), len(kind)):] },
	}).Parse(referencePage)
	if err != nil {
		return nil, fmt.Errorf("reading the reference page: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, doc); err != nil {
		return nil, fmt.Errorf("rendering the reference page: %w", err)
	}
	return out.Bytes(), nil
}

// markdown renders a description. HTML in it is left out.
func markdown(text string) (template.HTML, error) {
	var out bytes.Buffer
	if err := goldmark.Convert([]byte(text), &out); err != nil {
		return "", fmt.Errorf("rendering a description: %w", err)
	}
	return template.HTML(out.String()), nil
}
