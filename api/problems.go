package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"orak"
	"orak/api/resource"
)

// code names a kind of problem.
type code string

const (
	codeInvalidRequest      code = "invalid-request"
	codeInvalidTenant       code = "invalid-tenant"
	codeAllTenantsOff       code = "all-tenants-off"
	codeEmptyBody           code = "empty-body"
	codeIncompleteBody      code = "incomplete-body"
	codeDigestMismatch      code = "digest-mismatch"
	codeTimeout             code = "timeout"
	codeLengthRequired      code = "length-required"
	codeTooLarge            code = "too-large"
	codeUnsupportedMedia    code = "unsupported-media"
	codeUnsupportedEncoding code = "unsupported-encoding"
	codeIdempotencyConflict code = "idempotency-conflict"
	codeNotFound            code = "not-found"
	codeAnalysisNotReady    code = "analysis-not-ready"
	codeNoAnalysis          code = "no-analysis"
	codeNotParked           code = "not-parked"
	codeErased              code = "erased"
	codeMethodNotAllowed    code = "method-not-allowed"
	codeHeaderTooLarge      code = "header-too-large"
	codeTooManyUploads      code = "too-many-uploads"
	codeExpectation         code = "expectation-failed"
	codeNotJSON             code = "not-json"
	codeMisdirected         code = "misdirected"
	codeCrossSite           code = "cross-site"
	codeTooManyStreams      code = "too-many-streams"
	codeUnavailable         code = "unavailable"
	codeInternal            code = "internal"
)

// meaning gives a code's HTTP status and title.
func (k code) meaning() (status int, title string) {
	switch k {
	case codeInvalidRequest:
		return http.StatusBadRequest, "The request is not valid"
	case codeInvalidTenant:
		return http.StatusBadRequest, "The tenant is not valid"
	case codeAllTenantsOff:
		return http.StatusForbidden, "This server does not show all tenants at once"
	case codeEmptyBody:
		return http.StatusBadRequest, "The recording is empty"
	case codeIncompleteBody:
		return http.StatusBadRequest, "The request ended too early"
	case codeDigestMismatch:
		return http.StatusBadRequest, "The content does not match its digest"
	case codeTimeout:
		return http.StatusRequestTimeout, "The request stalled"
	case codeLengthRequired:
		return http.StatusLengthRequired, "The length of the recording is needed"
	case codeTooLarge:
		return http.StatusRequestEntityTooLarge, "The request is too large"
	case codeUnsupportedMedia:
		return http.StatusUnsupportedMediaType, "This is not a recording of an accepted kind"
	case codeUnsupportedEncoding:
		return http.StatusUnsupportedMediaType, "Compressed requests are not accepted"
	case codeIdempotencyConflict:
		return http.StatusUnprocessableEntity, "The Idempotency-Key was used for another recording"
	case codeNotFound:
		return http.StatusNotFound, "There is no such resource"
	case codeAnalysisNotReady:
		return http.StatusNotFound, "The analysis is not ready"
	case codeNoAnalysis:
		return http.StatusGone, "There will be no analysis"
	case codeErased:
		return http.StatusGone, "The upload was erased"
	case codeNotParked:
		return http.StatusConflict, "The upload cannot be decided on now"
	case codeMethodNotAllowed:
		return http.StatusMethodNotAllowed, "The method is not allowed here"
	case codeHeaderTooLarge:
		return http.StatusRequestHeaderFieldsTooLarge, "The head of the request is too large"
	case codeTooManyUploads:
		return http.StatusTooManyRequests, "Too many uploads are under way"
	case codeNotJSON:
		return http.StatusUnsupportedMediaType, "The request must be JSON"
	case codeMisdirected:
		return http.StatusMisdirectedRequest, "The server has another name"
	case codeCrossSite:
		return http.StatusForbidden, "Another site may not send this"
	case codeExpectation:
		return http.StatusExpectationFailed, "The expectation cannot be met"
	case codeTooManyStreams:
		return http.StatusTooManyRequests, "Too many event streams are open"
	case codeUnavailable:
		return http.StatusServiceUnavailable, "The service is not available at the moment"
	default:
		return http.StatusInternalServerError, "Something went wrong on our side"
	}
}

// retryAfter is what an answer of status 503 or 429 asks for.
const retryAfter = 5 * time.Second

// refusal is an error with its HTTP form.
type refusal struct {
	code code
	// detail is for the caller.
	detail   string
	accepted []string
	// erasedAt is zero where it does not apply.
	erasedAt time.Time
	// err is for the log.
	err error
}

// Error has the detail for the log.
func (r *refusal) Error() string {
	if r.err == nil {
		return fmt.Sprintf("%s: %s", r.code, r.detail)
	}
	return fmt.Sprintf("%s: %v", r.code, r.err)
}

// Unwrap gives the cause.
func (r *refusal) Unwrap() error { return r.err }

func refuse(k code, detail string) *refusal { return &refusal{code: k, detail: detail} }

func (r *refusal) because(err error) *refusal { r.err = err; return r }

// asRefusal finds the HTTP form of any error.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	var f *orak.Fault
	if errors.As(err, &f) && (f.Class == orak.ClassDependency || f.Class == orak.ClassOverload) {
		return refuse(codeUnavailable, f.Message+" Try again a little later.").because(err)
	}
	return refuse(codeInternal, "The operators find this request by its instance.").because(err)
}

// writeProblem answers with r; requestID is the problem's instance.
func writeProblem(ctx *fasthttp.RequestCtx, r *refusal, requestID string) {
	status, title := r.code.meaning()
	p := resource.Problem{
		Type: resource.ProblemType + string(r.code), Title: title, Status: status,
		Detail: r.detail, Instance: requestID, Accepted: r.accepted, ErasedAt: r.erasedAt,
	}
	text, err := json.Marshal(p)
	if err != nil { // a Problem is strings and an int
		text = []byte(`{"type":"` + resource.ProblemType + `internal","status":500}`)
	}
	ctx.Response.ResetBody()
	ctx.Response.SetStatusCode(status)
	ctx.Response.Header.SetContentType("application/problem+json")
	ctx.Response.Header.Set("Cache-Control", "no-store") // or a cache might keep a 404 or a 410
	ctx.Response.Header.Del("ETag")
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	}
	ctx.Response.SetBody(text)
}
