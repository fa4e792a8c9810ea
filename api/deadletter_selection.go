package api

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/api/resource"
	"orak/workflows"
)

// The query parameters of the list of dead letters. Others are refused: a misspelt
// filter would select everything.
const (
	paramStage     = "stage"
	paramClass     = "class"
	paramOlderThan = "older_than"
	paramNewerThan = "newer_than"
	paramBefore    = "before"
	paramText      = "text"
	paramPageSize  = "page_size"
	paramPageToken = "page_token"
)

// maxText bounds the searched text, in bytes.
const maxText = 200

// selection selects dead letters of a tenant, or with EveryTenant of every tenant.
// Unset fields select all.
type selection struct {
	tenant  orak.Tenant
	stages  []orak.Stage
	classes []orak.Class
	// after and before bound the time of the last failure exclusively; zero means
	// no bound.
	after, before time.Time
	// text is in lower case.
	text string
}

// filters are the parameters of a selection.
var filters = []string{paramStage, paramClass, paramOlderThan, paramNewerThan, paramBefore, paramText}

// selectionOf reads the filters of the query and the tenant's header. known are the
// parameters of the route.
func (s *Server) selectionOf(c *fiber.Ctx, now time.Time, known []string) (sel selection, err error) {
	if err := checkParameters(c, known, paramStage, paramClass); err != nil {
		return sel, err
	}
	if sel.tenant, err = s.operatorTenant(c); err != nil {
		return sel, err
	}
	if sel.stages, err = chosen(c, paramStage, orak.FailureStages()); err != nil {
		return sel, err
	}
	if sel.classes, err = chosen(c, paramClass, orak.Classes()); err != nil {
		return sel, err
	}
	if sel.after, err = whenOf(c, paramNewerThan, now); err != nil {
		return sel, err
	}
	older, err := whenOf(c, paramOlderThan, now)
	if err != nil {
		return sel, err
	}
	if sel.before, err = whenOf(c, paramBefore, now); err != nil {
		return sel, err
	}
	if sel.before.IsZero() || !older.IsZero() && older.Before(sel.before) {
		sel.before = older
	}
	sel.text, err = textOf(c)
	return sel, err
}

// checkParameters refuses unknown parameters, repeated parameters of which one would
// be ignored, and empty filters: each would select more than the caller meant.
func checkParameters(c *fiber.Ctx, known []string, repeatable ...string) error {
	given, err := url.ParseQuery(string(c.Context().URI().QueryString()))
	if err != nil {
		return refuse(codeInvalidRequest, "The query cannot be parsed: check its percent signs and semicolons.").because(err)
	}
	for name, values := range given {
		switch {
		case name == "":
		case !slices.Contains(known, name):
			return refuse(codeInvalidRequest, fmt.Sprintf("There is no parameter %.40q; the parameters are %s.", name, strings.Join(known, ", ")))
		case name != paramPageSize && name != paramPageToken && slices.Contains(values, ""):
			return refuse(codeInvalidRequest, name+" is empty; leave it out to select without it.")
		case len(values) > 1 && !slices.Contains(repeatable, name):
			return refuse(codeInvalidRequest, name+" may be given only once.")
		}
	}
	return nil
}

// chosen reads a repeatable parameter whose values come from set.
func chosen[T ~string](c *fiber.Ctx, name string, set []T) ([]T, error) {
	var values []T
	for _, given := range c.Context().QueryArgs().PeekMulti(name) {
		value := T(given) // a copy
		if !slices.Contains(set, value) {
			return nil, refuse(codeInvalidRequest, fmt.Sprintf("%s must be one of %s.", name, joined(set, ", ")))
		}
		values = append(values, value)
	}
	return values, nil
}

func joined[T ~string](values []T, separator string) string {
	var words []string
	for _, v := range values {
		words = append(words, string(v))
	}
	return strings.Join(words, separator)
}

// whenOf reads a parameter that is a time or an age.
func whenOf(c *fiber.Ctx, name string, now time.Time) (time.Time, error) {
	given := c.Query(name)
	if given == "" {
		return time.Time{}, nil
	}
	if age, err := time.ParseDuration(given); err == nil && age >= 0 {
		return now.Add(-age), nil
	}
	t, err := time.Parse(time.RFC3339, given)
	if err != nil {
		return time.Time{}, refuse(codeInvalidRequest, name+" must be an age such as 90m or 36h, or a time such as 2026-11-22T12:00:00Z.")
	}
	return t, nil
}

func textOf(c *fiber.Ctx) (string, error) {
	given := c.Query(paramText)
	return strings.ToLower(given), checkText(paramText, given, maxText)
}

// query is the part of sel that Temporal's visibility evaluates. Its values come from
// closed sets or were parsed, so they need no quoting.
func (sel selection) query() string {
	terms := []string{
		"WorkflowType = '" + workflows.TypeProcessUpload + "'",
		"ExecutionStatus = 'Running'",
		among(workflows.AttrStatus, orak.StatusDeadLettered),
	}
	if sel.tenant != resource.EveryTenant {
		terms = append(terms, among(workflows.AttrTenant, sel.tenant))
	}
	if len(sel.stages) > 0 {
		terms = append(terms, among(workflows.AttrStage, sel.stages...))
	}
	if len(sel.classes) > 0 {
		terms = append(terms, among(workflows.AttrFailure, sel.classes...))
	}
	return strings.Join(terms, " AND ")
}

func among[T ~string](key temporal.SearchAttributeKeyKeyword, values ...T) string {
	return key.GetName() + " IN ('" + joined(values, "', '") + "')"
}

// looks reports whether matches has to examine each workflow.
func (sel selection) looks() bool {
	return sel.text != "" || !sel.after.IsZero() || !sel.before.IsZero()
}

// matches is the part of sel that visibility cannot evaluate. A dead letter whose
// last failure is unknown has no age.
func (sel selection) matches(d resource.DeadLetter) bool {
	if !sel.after.IsZero() && !d.LastAt.After(sel.after) {
		return false
	}
	if !sel.before.IsZero() && (d.LastAt.IsZero() || !d.LastAt.Before(sel.before)) {
		return false
	}
	return slices.ContainsFunc([]string{d.Filename, d.Failure.Message, string(d.ID)}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), sel.text)
	})
}
