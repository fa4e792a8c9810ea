package workflows

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"orak"
)

// Payloads decodes payloads that are read without the SDK: memos, inputs, settings
// and heartbeats. It uses the data converter of the client that wrote them; a
// payload codec must be decoded here. The zero value uses the SDK's default.
type Payloads struct {
	converter converter.DataConverter
}

// NewPayloads returns Payloads that decode with c, the data converter of the
// Temporal client; nil means the SDK's default, as in client.Options.
func NewPayloads(c converter.DataConverter) Payloads { return Payloads{converter: c} }

// Decode decodes the first of payloads into target, a pointer. It fails if there is
// none.
func (p Payloads) Decode(payloads *common.Payloads, target any) error {
	return p.dataConverter().FromPayloads(payloads, target)
}

// DecodeOne decodes one payload into target, a pointer.
func (p Payloads) DecodeOne(payload *common.Payload, target any) error {
	return p.dataConverter().FromPayload(payload, target)
}

// Progress decodes the memo of an upload's workflow. It returns false, and a zero
// Progress, if there is no memo or it cannot be decoded.
func (p Payloads) Progress(info *workflow.WorkflowExecutionInfo) (orak.Progress, bool) {
	return memo[orak.Progress](p, info, MemoProgress)
}

// Report decodes the memo of a Reconcile. It returns false as Progress does.
func (p Payloads) Report(info *workflow.WorkflowExecutionInfo) (ReconcileReport, bool) {
	return memo[ReconcileReport](p, info, MemoReconciled)
}

// Delivery decodes the memo of a DeliverWebhook. It returns false as Progress does.
func (p Payloads) Delivery(info *workflow.WorkflowExecutionInfo) (DeliverySummary, bool) {
	return memo[DeliverySummary](p, info, MemoDelivery)
}

func memo[T any](p Payloads, info *workflow.WorkflowExecutionInfo, field string) (T, bool) {
	var v T
	payload, ok := info.GetMemo().GetFields()[field]
	if !ok || p.DecodeOne(payload, &v) != nil {
		var none T
		return none, false
	}
	return v, true
}

func (p Payloads) dataConverter() converter.DataConverter {
	if p.converter == nil {
		return converter.GetDefaultDataConverter()
	}
	return p.converter
}

// TenantOf returns the tenant of the upload that a workflow processes or erases,
// from its search attributes; empty where they have none.
func TenantOf(info *workflow.WorkflowExecutionInfo) orak.Tenant {
	return SearchAttribute[orak.Tenant](info, AttrTenant.GetName())
}

// SearchAttribute decodes a search attribute of a workflow; the zero value if it is
// not set. The server reads search attributes, so a codec never encodes them.
func SearchAttribute[T any](info *workflow.WorkflowExecutionInfo, name string) T {
	var v, none T
	payload, ok := info.GetSearchAttributes().GetIndexedFields()[name]
	if !ok || converter.GetDefaultDataConverter().FromPayload(payload, &v) != nil {
		return none
	}
	return v
}
