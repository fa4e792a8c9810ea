package control

// The acts that a Writer records; see events.Act.
const (
	ActSet   = "setting.set"
	ActUnset = "setting.unset"

	ActCreateKey = "key.create"
	ActChangeKey = "key.change"
	ActRotateKey = "key.rotate"
	ActRevokeKey = "key.revoke"

	ActCreateWebhook = "webhook.create"
	ActChangeWebhook = "webhook.change"
	ActRotateWebhook = "webhook.rotate"
	ActPauseWebhook  = "webhook.pause"
	ActResumeWebhook = "webhook.resume"
	ActRemoveWebhook = "webhook.remove"
)
