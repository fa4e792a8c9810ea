package workflows

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"orak"
)

// Payloads decodes what workflows and activities leave with Temporal for
// others to read: memos, inputs, settings and heartbeats. It decodes with the
// data converter of the client that wrote them, so a payload codec is undone
// here or nowhere. The zero value decodes with the SDK's default.
type Payloads struct {
	converter converter.DataConverter
}

// NewPayloads decodes with c, the data converter that the Temporal client was
// made with; nil means the SDK's default, as it does in client.Options.
func NewPayloads(c converter.DataConverter) Payloads { return Payloads{converter: c} }

// Decode decodes the first of payloads into target, a pointer. It fails where
// there is none.
func (p Payloads) Decode(payloads *common.Payloads, target any) error {
	return p.dataConverter().FromPayloads(payloads, target)
}

// DecodeOne decodes one payload into target, a pointer.
func (p Payloads) DecodeOne(payload *common.Payload, target any) error {
	return p.dataConverter().FromPayload(payload, target)
}

// Progress decodes the memo of an upload's workflow. It is false, and the
// Progress zero, where there is no memo or it cannot be decoded.
func (p Payloads) Progress(info *workflow.WorkflowExecutionInfo) (orak.Progress, bool) {
	return memo[orak.Progress](p, info, MemoProgress)
}

// Report decodes the memo of a Reconcile, with the same promise as Progress.
func (p Payloads) Report(info *workflow.WorkflowExecutionInfo) (ReconcileReport, bool) {
	return memo[ReconcileReport](p, info, MemoReconciled)
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

// TenantOf returns whose upload a workflow processes or erases, from its search
// attributes; empty where they do not say.
func TenantOf(info *workflow.WorkflowExecutionInfo) orak.Tenant {
	return SearchAttribute[orak.Tenant](info, AttrTenant.GetName())
}

// SearchAttribute decodes a search attribute of a workflow; the zero value
// where it is not set. The server reads search attributes itself, so no codec
// ever encodes them.
func SearchAttribute[T any](info *workflow.WorkflowExecutionInfo, name string) T {
	var v, none T
	payload, ok := info.GetSearchAttributes().GetIndexedFields()[name]
	if !ok || converter.GetDefaultDataConverter().FromPayload(payload, &v) != nil {
		return none
	}
	return v
}
