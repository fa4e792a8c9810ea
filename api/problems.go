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

// code identifies a kind of problem.
type code string

const (
	codeInvalidRequest      code = "invalid-request"
	codeInvalidTenant       code = "invalid-tenant"
	codeAllTenantsOff       code = "all-tenants-off"
	codeUnauthenticated     code = "unauthenticated"
	codeMissingScope        code = "missing-scope"
	codeForeignTenant       code = "foreign-tenant"
	codeCSRF                code = "csrf"
	codeTooManyLogins       code = "too-many-logins"
	codeForeignOwner        code = "foreign-owner"
	codeTooManyKeys         code = "too-many-keys"
	codeConflict            code = "conflict"
	codeRateLimited         code = "rate-limited"
	codeDailyBytes          code = "daily-bytes"
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
	codeAudioNotReady       code = "audio-not-ready"
	codeNoAudio             code = "no-audio"
	codeRange               code = "range-not-satisfiable"
	codeNotCancelable       code = "not-cancelable"
	codeNotIndexed          code = "not-indexed"
	codeNoVoice             code = "no-voice"
	codeInvalidImport       code = "invalid-import"
	codeTooManyImports      code = "too-many-imports"
	codeNotParked           code = "not-parked"
	codeInvalidURL          code = "invalid-webhook-url"
	codeTooManyWebhooks     code = "too-many-webhooks"
	codeWebhookChanged      code = "webhook-changed"
	codeWebhookRotating     code = "webhook-rotating"
	codeWebhookPaused       code = "webhook-paused"
	codeErased              code = "erased"
	codeMethodNotAllowed    code = "method-not-allowed"
	codeHeaderTooLarge      code = "header-too-large"
	codeTooManyUploads      code = "too-many-uploads"
	codeUploadIncomplete    code = "upload-incomplete"
	codeUploadComplete      code = "upload-complete"
	codeUploadExpired       code = "upload-expired"
	codeTooManyOpen         code = "too-many-open-uploads"
	codeIntakePaused        code = "intake-paused"
	codeExpectation         code = "expectation-failed"
	codeNotJSON             code = "not-json"
	codeMisdirected         code = "misdirected"
	codeCrossSite           code = "cross-site"
	codeTooManyStreams      code = "too-many-streams"
	codeTusVersion          code = "tus-version"
	codeTusMedia            code = "not-offset-stream"
	codeTusOffset           code = "offset-conflict"
	codeTusGone             code = "upload-ended"
	codeTusLocked           code = "upload-locked"
	codeTusChecksum         code = "checksum-mismatch"
	codeUnavailable         code = "unavailable"
	codeInternal            code = "internal"
)

// statusChecksumMismatch is of the tus protocol.
const statusChecksumMismatch = 460

// meanings are the HTTP status and the title of each code.
var meanings = map[code]struct {
	status int
	title  string
}{
	codeInvalidRequest:      {http.StatusBadRequest, "The request is not valid"},
	codeInvalidTenant:       {http.StatusBadRequest, "The tenant is not valid"},
	codeAllTenantsOff:       {http.StatusForbidden, "This server does not serve all tenants at once"},
	codeUnauthenticated:     {http.StatusUnauthorized, "The request has no valid credential"},
	codeMissingScope:        {http.StatusForbidden, "The credential does not permit this"},
	codeForeignTenant:       {http.StatusForbidden, "The credential is for another tenant"},
	codeCSRF:                {http.StatusForbidden, "The request does not prove that the session's page sent it"},
	codeTooManyLogins:       {http.StatusTooManyRequests, "Too many attempts to log in"},
	codeForeignOwner:        {http.StatusForbidden, "The credential is for another owner"},
	codeTooManyKeys:         {http.StatusConflict, "The tenant has too many keys"},
	codeConflict:            {http.StatusConflict, "Somebody else was faster"},
	codeRateLimited:         {http.StatusTooManyRequests, "The tenant sends too many requests"},
	codeDailyBytes:          {http.StatusTooManyRequests, "The tenant has sent as many bytes as it may in a day"},
	codeEmptyBody:           {http.StatusBadRequest, "The recording is empty"},
	codeIncompleteBody:      {http.StatusBadRequest, "The request ended too early"},
	codeDigestMismatch:      {http.StatusBadRequest, "The content does not match its digest"},
	codeTimeout:             {http.StatusRequestTimeout, "The request stalled"},
	codeLengthRequired:      {http.StatusLengthRequired, "The length of the recording is needed"},
	codeTooLarge:            {http.StatusRequestEntityTooLarge, "The request is too large"},
	codeUnsupportedMedia:    {http.StatusUnsupportedMediaType, "The recording does not have an accepted media type"},
	codeUnsupportedEncoding: {http.StatusUnsupportedMediaType, "Compressed requests are not accepted"},
	codeIdempotencyConflict: {http.StatusUnprocessableEntity, "The Idempotency-Key was used for another recording"},
	codeNotFound:            {http.StatusNotFound, "There is no such resource"},
	codeAnalysisNotReady:    {http.StatusConflict, "The analysis is not ready"},
	codeNoAnalysis:          {http.StatusGone, "There will be no analysis"},
	codeAudioNotReady:       {http.StatusConflict, "The recording is not converted yet"},
	codeNoAudio:             {http.StatusGone, "The recording is not available"},
	codeRange:               {http.StatusRequestedRangeNotSatisfiable, "The range is outside of the recording"},
	codeNotCancelable:       {http.StatusConflict, "The upload has ended"},
	codeNotIndexed:          {http.StatusConflict, "The analysis is not in the index yet"},
	codeNoVoice:             {http.StatusUnprocessableEntity, "The recording has no voice to compare"},
	codeInvalidImport:       {http.StatusUnprocessableEntity, "The file has bad lines"},
	codeTooManyImports:      {http.StatusTooManyRequests, "Too many imports are running"},
	codeErased:              {http.StatusGone, "The upload was erased"},
	codeNotParked:           {http.StatusConflict, "The upload is not waiting for a decision"},
	codeInvalidURL:          {http.StatusUnprocessableEntity, "Webhooks cannot be sent to the URL"},
	codeTooManyWebhooks:     {http.StatusConflict, "The tenant has too many webhooks"},
	codeWebhookChanged:      {http.StatusConflict, "The webhook was changed meanwhile"},
	codeWebhookRotating:     {http.StatusConflict, "The webhook's secret is being rotated"},
	codeWebhookPaused:       {http.StatusConflict, "The webhook is paused"},
	codeMethodNotAllowed:    {http.StatusMethodNotAllowed, "The method is not allowed here"},
	codeHeaderTooLarge:      {http.StatusRequestHeaderFieldsTooLarge, "The head of the request is too large"},
	codeTooManyUploads:      {http.StatusTooManyRequests, "Too many uploads are running"},
	codeUploadIncomplete:    {http.StatusConflict, "The recording is not there yet"},
	codeUploadComplete:      {http.StatusConflict, "The upload is complete"},
	codeUploadExpired:       {http.StatusGone, "The direct upload has expired"},
	codeTooManyOpen:         {http.StatusTooManyRequests, "Too many direct or resumable uploads are open"},
	codeIntakePaused:        {http.StatusServiceUnavailable, "Uploads are paused"},
	codeNotJSON:             {http.StatusUnsupportedMediaType, "The request must be JSON"},
	codeMisdirected:         {http.StatusMisdirectedRequest, "The server has another name"},
	codeCrossSite:           {http.StatusForbidden, "Another site may not send this request"},
	codeExpectation:         {http.StatusExpectationFailed, "The expectation cannot be met"},
	codeTooManyStreams:      {http.StatusTooManyRequests, "Too many event streams are open"},
	codeTusVersion:          {http.StatusPreconditionFailed, "The version of the tus protocol is not supported"},
	codeTusMedia:            {http.StatusUnsupportedMediaType, "The bytes of an upload have another media type"},
	codeTusOffset:           {http.StatusConflict, "The offset is another one"},
	codeTusGone:             {http.StatusGone, "The resumable upload has ended"},
	codeTusLocked:           {http.StatusLocked, "Another request writes the upload"},
	codeTusChecksum:         {statusChecksumMismatch, "The bytes do not have their checksum"},
	codeUnavailable:         {http.StatusServiceUnavailable, "The service is not available at the moment"},
	codeInternal:            {http.StatusInternalServerError, "The server failed"},
}

// retryAfter is the Retry-After of answers with status 503 or 429, and of those about
// an upload that is being processed; indexedAfter that of answers about a completed
// upload, which the index will have in a moment; and pausedRetryAfter that of
// codeIntakePaused: an operator ends the pause, so that it takes minutes.
const (
	retryAfter       = 5 * time.Second
	indexedAfter     = time.Second
	pausedRetryAfter = time.Minute
)

// refusal is an error that has an HTTP form.
type refusal struct {
	code code
	// detail is for the caller.
	detail   string
	accepted []string
	// lines and moreLines are the bad lines of an import.
	lines     []resource.ImportLine
	moreLines int
	// again is the Retry-After; 0 leaves it to the status.
	again time.Duration
	// size is the length of the object whose range is not satisfiable, or nil.
	size *int64
	// erasedAt is zero if it does not apply.
	erasedAt time.Time
	// err is for the log.
	err error
}

// Error implements error, for the log.
func (r *refusal) Error() string {
	if r.err == nil {
		return fmt.Sprintf("%s: %s", r.code, r.detail)
	}
	return fmt.Sprintf("%s: %v", r.code, r.err)
}

// Unwrap returns the cause.
func (r *refusal) Unwrap() error { return r.err }

func refuse(k code, detail string) *refusal { return &refusal{code: k, detail: detail} }

func (r *refusal) because(err error) *refusal { r.err = err; return r }

// asRefusal returns the HTTP form of any error.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	var f *orak.Fault
	if errors.As(err, &f) && (f.Class == orak.ClassDependency || f.Class == orak.ClassOverload) {
		return refuse(codeUnavailable, f.Message+" Try again later.").because(err)
	}
	return refuse(codeInternal, "Operators can find this request by its instance.").because(err)
}

// writeProblem answers with r. requestID becomes the instance of the problem.
func writeProblem(ctx *fasthttp.RequestCtx, r *refusal, requestID string) {
	meaning, known := meanings[r.code]
	if !known {
		meaning = meanings[codeInternal]
	}
	status := meaning.status
	p := resource.Problem{
		Type: resource.ProblemType + string(r.code), Title: meaning.title, Status: status,
		Detail: r.detail, Instance: requestID, Accepted: r.accepted, Lines: r.lines, MoreLines: r.moreLines, ErasedAt: r.erasedAt,
	}
	text, err := json.Marshal(p)
	if err != nil { // a Problem is strings and an int
		text = []byte(`{"type":"` + resource.ProblemType + `internal","status":500}`)
	}
	ctx.Response.ResetBody()
	ctx.Response.SetStatusCode(status)
	ctx.Response.Header.SetContentType("application/problem+json")
	ctx.Response.Header.Set("Cache-Control", "no-store") // otherwise a cache might keep a 404 or a 410
	ctx.Response.Header.Del("ETag")
	if r.size != nil {
		ctx.Response.Header.Set("Content-Range", "bytes */"+strconv.FormatInt(*r.size, 10))
	}
	again := r.again
	switch {
	case again > 0:
	case r.code == codeIntakePaused:
		again = pausedRetryAfter
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		again = retryAfter
	}
	if again > 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(again/time.Second)))
	}
	ctx.Response.SetBody(text)
}
