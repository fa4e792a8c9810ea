package api

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"orak/internal/auth"
)

// route is a route of the API. api/openapi.yaml describes each of them.
type route struct {
	method, path string
	// scope is what the caller's credential must permit.
	scope   auth.Scope
	handler fiber.Handler
	// tokens says that upload tokens may use it: it only sends recordings.
	tokens bool
	// endless answers have no end, so that there is no HEAD for them.
	endless bool
	// act names what an operator does with it, for the log; empty for routes that
	// change nothing, and for those that apps send recordings with. The record of the act
	// has the same name.
	act string
}

// The acts that the API records itself; see Server.record. The others are recorded with
// their change of a document, or with their event.
const (
	actImportSongs = "songs.import"
	actRemoveSong  = "song.remove"
	actPing        = "webhook.ping"
	actRedeliver   = "webhook.redeliver"
	actReconcile   = "reconcile.run"
	// What people log in with is noted, and does not depend on Kafka; see Server.note.
	actBeginSession = "session.begin"
	actMakeCode     = "login-code.create"
)

// table has every route under /v1.
func (s *Server) table() []route {
	return []route{
		{method: http.MethodPost, path: "/v1/uploads", scope: auth.ScopeUpload, handler: s.postUpload, tokens: true},
		{method: http.MethodPost, path: "/v1/uploads/direct", scope: auth.ScopeUpload, handler: s.postDirect, tokens: true},
		{method: http.MethodGet, path: "/v1/uploads/direct/:id", scope: auth.ScopeUpload, handler: s.getDirect, tokens: true},
		{method: http.MethodDelete, path: "/v1/uploads/direct/:id", scope: auth.ScopeUpload, handler: s.deleteDirect, tokens: true},
		{method: http.MethodPost, path: "/v1/uploads/direct/:id/parts", scope: auth.ScopeUpload, handler: s.postParts, tokens: true},
		{method: http.MethodGet, path: "/v1/uploads/direct/:id/parts", scope: auth.ScopeUpload, handler: s.getParts, tokens: true},
		{method: http.MethodPost, path: "/v1/uploads/direct/:id/complete", scope: auth.ScopeUpload, handler: s.postComplete, tokens: true},
		{method: http.MethodPost, path: "/v1/store-events", scope: auth.ScopeOperate, handler: s.postStoreEvents},
		{method: http.MethodGet, path: "/v1/uploads", scope: auth.ScopeRead, handler: s.getUploads},
		{method: http.MethodGet, path: "/v1/uploads/:id", scope: auth.ScopeRead, handler: s.getUpload},
		{method: http.MethodDelete, path: "/v1/uploads/:id", scope: auth.ScopeUpload, handler: s.deleteUpload, act: "upload.erase"},
		{method: http.MethodPost, path: "/v1/uploads/:id/cancel", scope: auth.ScopeUpload, handler: s.postCancel, act: "upload.cancel"},
		{method: http.MethodGet, path: "/v1/uploads/:id/analysis", scope: auth.ScopeRead, handler: s.getAnalysis},
		{method: http.MethodGet, path: "/v1/uploads/:id/pitch", scope: auth.ScopeRead, handler: s.getPitch},
		{method: http.MethodGet, path: "/v1/uploads/:id/audio", scope: auth.ScopeRead, handler: s.getAudio},
		{method: http.MethodGet, path: "/v1/uploads/:id/waveform", scope: auth.ScopeRead, handler: s.getWaveform},
		{method: http.MethodGet, path: "/v1/uploads/:id/original", scope: auth.ScopeRead, handler: s.getOriginal},
		{method: http.MethodGet, path: "/v1/uploads/:id/events", scope: auth.ScopeRead, handler: s.getEvents, endless: true},
		{method: http.MethodGet, path: "/v1/events", scope: auth.ScopeRead, handler: s.getFeed, endless: true},
		{method: http.MethodGet, path: "/v1/uploads/:id/similar", scope: auth.ScopeRead, handler: s.getSimilar},
		{method: http.MethodGet, path: "/v1/uploads/:id/songs", scope: auth.ScopeRead, handler: s.getSongsFor},

		{method: http.MethodPost, path: "/v1/upload-tokens", scope: auth.ScopeUpload, handler: s.postUploadTokens},

		{method: http.MethodOptions, path: "/v1/tus", scope: auth.ScopeNone, handler: s.optionsTus},
		{method: http.MethodPost, path: "/v1/tus", scope: auth.ScopeUpload, tokens: true, handler: s.tus(s.postTus)},
		{method: http.MethodOptions, path: "/v1/tus/:id", scope: auth.ScopeNone, handler: s.optionsTus},
		{method: http.MethodHead, path: "/v1/tus/:id", scope: auth.ScopeUpload, tokens: true, handler: s.tus(s.headTus)},
		{method: http.MethodPatch, path: "/v1/tus/:id", scope: auth.ScopeUpload, tokens: true, handler: s.tus(s.patchTus)},
		{method: http.MethodDelete, path: "/v1/tus/:id", scope: auth.ScopeUpload, tokens: true, handler: s.tus(s.deleteTus)},
		{method: http.MethodPost, path: "/v1/tus/:id", scope: auth.ScopeUpload, tokens: true, handler: s.tus(s.overrideTus)},

		{method: http.MethodGet, path: "/v1/songs", scope: auth.ScopeOperate, handler: s.getSongs},
		{method: http.MethodPost, path: "/v1/songs", scope: auth.ScopeOperate, handler: s.postSongs, act: actImportSongs},
		{method: http.MethodDelete, path: "/v1/songs/:id", scope: auth.ScopeOperate, handler: s.deleteSong, act: actRemoveSong},

		{method: http.MethodPost, path: "/v1/webhooks", scope: auth.ScopeAdmin, handler: s.postWebhook, act: "webhook.create"},
		{method: http.MethodGet, path: "/v1/webhooks", scope: auth.ScopeAdmin, handler: s.getWebhooks},
		{method: http.MethodGet, path: "/v1/webhooks/:id", scope: auth.ScopeAdmin, handler: s.getWebhook},
		{method: http.MethodPatch, path: "/v1/webhooks/:id", scope: auth.ScopeAdmin, handler: s.patchWebhook, act: "webhook.change"},
		{method: http.MethodDelete, path: "/v1/webhooks/:id", scope: auth.ScopeAdmin, handler: s.deleteWebhook, act: "webhook.remove"},
		{method: http.MethodPost, path: "/v1/webhooks/:id/rotate", scope: auth.ScopeAdmin, handler: s.postWebhookRotate, act: "webhook.rotate"},
		{method: http.MethodPost, path: "/v1/webhooks/:id/pause", scope: auth.ScopeAdmin, handler: s.postWebhookPause, act: "webhook.pause"},
		{method: http.MethodPost, path: "/v1/webhooks/:id/resume", scope: auth.ScopeAdmin, handler: s.postWebhookResume, act: "webhook.resume"},
		{method: http.MethodPost, path: "/v1/webhooks/:id/ping", scope: auth.ScopeAdmin, handler: s.postWebhookPing, act: actPing},
		{method: http.MethodPost, path: "/v1/webhooks/:id/redeliver", scope: auth.ScopeAdmin, handler: s.postWebhookRedeliver, act: actRedeliver},
		{method: http.MethodGet, path: "/v1/webhooks/:id/deliveries", scope: auth.ScopeAdmin, handler: s.getWebhookDeliveries},
		{method: http.MethodGet, path: "/v1/webhooks/:id/deliveries/:delivery", scope: auth.ScopeAdmin, handler: s.getWebhookDelivery},

		{method: http.MethodGet, path: "/v1/dead-letters", scope: auth.ScopeOperate, handler: s.getDeadLetters},
		{method: http.MethodGet, path: "/v1/dead-letters/counts", scope: auth.ScopeOperate, handler: s.getDeadLetterCounts},
		{method: http.MethodGet, path: "/v1/dead-letters/:id", scope: auth.ScopeOperate, handler: s.getDeadLetter},
		{method: http.MethodPost, path: "/v1/dead-letters/:id/reprocess", scope: auth.ScopeOperate, handler: s.postReprocess, act: "dead-letter.reprocess"},
		{method: http.MethodPost, path: "/v1/dead-letters/:id/discard", scope: auth.ScopeOperate, handler: s.postDiscard, act: "dead-letter.discard"},

		{method: http.MethodGet, path: "/v1/attention", scope: auth.ScopeOperate, handler: s.getAttention},
		{method: http.MethodGet, path: "/v1/uploads/:id/history", scope: auth.ScopeOperate, handler: s.getHistory},
		{method: http.MethodGet, path: "/v1/queues", scope: auth.ScopeOperate, handler: s.getQueues},
		{method: http.MethodGet, path: "/v1/lag", scope: auth.ScopeOperate, handler: s.getLag},
		{method: http.MethodGet, path: "/v1/topics", scope: auth.ScopeOperate, handler: s.getTopics},
		{method: http.MethodGet, path: "/v1/outages", scope: auth.ScopeOperate, handler: s.getOutages},
		{method: http.MethodGet, path: "/v1/reconcile", scope: auth.ScopeOperate, handler: s.getReconciliations},
		{method: http.MethodPost, path: "/v1/reconcile", scope: auth.ScopeOperate, handler: s.postReconcile, act: actReconcile},
		{method: http.MethodGet, path: "/v1/sinks", scope: auth.ScopeOperate, handler: s.getSinks},

		{method: http.MethodPost, path: "/v1/codec/decode", scope: auth.ScopeOperate, handler: s.postDecode},
		{method: http.MethodPost, path: "/v1/codec/encode", scope: auth.ScopeOperate, handler: s.postEncode},

		{method: http.MethodGet, path: "/v1/admin/settings", scope: auth.ScopeAdmin, handler: s.getSettings},
		{method: http.MethodPut, path: "/v1/admin/settings/:name", scope: auth.ScopeAdmin, handler: s.putSetting, act: "setting.set"},
		{method: http.MethodDelete, path: "/v1/admin/settings/:name", scope: auth.ScopeAdmin, handler: s.deleteSetting, act: "setting.unset"},
		{method: http.MethodGet, path: "/v1/admin/tenants", scope: auth.ScopeAdmin, handler: s.getTenants},
		{method: http.MethodGet, path: "/v1/audit", scope: auth.ScopeAdmin, handler: s.getAudit},

		{method: http.MethodGet, path: "/v1/admin/keys", scope: auth.ScopeAdmin, handler: s.getKeys},
		{method: http.MethodPost, path: "/v1/admin/keys", scope: auth.ScopeAdmin, handler: s.postKeys, act: "key.create"},
		{method: http.MethodPost, path: "/v1/admin/keys/:id/rotate", scope: auth.ScopeAdmin, handler: s.postRotate, act: "key.rotate"},
		{method: http.MethodDelete, path: "/v1/admin/keys/:id", scope: auth.ScopeAdmin, handler: s.deleteKey, act: "key.revoke"},

		{method: http.MethodGet, path: "/v1/session", scope: auth.ScopeNone, handler: s.getSession},
		{method: http.MethodPost, path: "/v1/session", scope: auth.ScopeNone, handler: s.postSession},
		{method: http.MethodDelete, path: "/v1/session", scope: auth.ScopeNone, handler: s.deleteSession},
		{method: http.MethodGet, path: "/v1/session/oidc", scope: auth.ScopeNone, handler: s.getOIDC},
		{method: http.MethodGet, path: callbackPath, scope: auth.ScopeNone, handler: s.getOIDCCallback},
		{method: http.MethodPost, path: "/v1/login-codes", scope: auth.ScopeAny, handler: s.postLoginCodes},

		{method: http.MethodGet, path: "/v1/openapi.yaml", scope: auth.ScopeNone, handler: s.getContract},
	}
}

func (s *Server) routes(deps Deps) {
	s.app.Get("/livez", netHTTP(deps.Live))
	s.app.Get("/readyz", netHTTP(deps.Ready))
	s.app.Get("/docs", s.getReference)
	for _, r := range s.table() {
		permitted := s.permitted(r)
		s.app.Add(r.method, r.path, permitted, r.handler)
		if r.method == http.MethodGet && !r.endless {
			s.app.Add(http.MethodHead, r.path, permitted, r.handler)
		}
	}
	if s.cfg.Console && deps.Console != nil {
		s.app.Use(s.getConsole(deps.Console))
	}
}
