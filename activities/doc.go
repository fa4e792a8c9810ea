// Package activities has the side effects of the workflows: convert a recording,
// analyze it, store the result, publish events, write a dead letter, raise an
// alert, erase an upload.
//
// There are two kinds of activity, and they fail differently.
//
// The stages (Convert, Analyze, StoreAnalysis) work on one upload and may fail
// because of it. Each returns a *orak.Fault; Budget decides, in one place for
// all of them, whether a fault of its class is retried, counted or final. The
// count is kept in the heartbeat details, which survive the worker:
//
//	attempt starts ─► heartbeat {attempts: n+1}   charged in advance, so that
//	     │                                        a crash is counted
//	     ├─ fails, counted class ──► retry in 1 s, 2 s, … or give up
//	     ├─ fails, waiting class ──► heartbeat {attempts: n}, retry later
//	     ├─ worker is stopping ────► heartbeat {attempts: n}, retry at once
//	     └─ worker dies ───────────► the server times the heartbeat out, and
//	                                 the next attempt finds {attempts: n+1}
//
// Temporal itself may be unavailable for longer than the heartbeat timeout. It
// then declares the running attempts dead although their worker lives. That
// worker remembers how they ended, so that a next attempt in the same process is
// not charged for them. One in another process is.
//
// The failed attempts are kept beside the count. The last failure carries them
// to the workflow, which adds them to its timeline.
//
// The side activities (Announce, Conclude, DeadLetter, RaiseAlert, PostAlert)
// publish what happened. They must never give up, so the server retries them
// without end, and Budget ignores them. CountParked only reads; the workflow
// asks again later where it fails.
//
// Every activity may run more than once, also on two workers at the same time:
// objects are written whole under fixed keys, and a repeated event has the same
// id.
package activities

import "orak"

// The activity types, as the Web UI shows them.
const (
	TypeConvert = "Convert"
	TypeAnalyze = "Analyze"
	// TypeStoreAnalysis runs the stage publish; TypeConclude ends every upload.
	TypeStoreAnalysis = "StoreAnalysis"
	TypeConclude      = "Conclude"
	// TypePublish and TypeSaveOutcome serve runs that began before TypeConclude
	// existed.
	TypePublish     = "Publish"
	TypeSaveOutcome = "SaveOutcome"
	TypeAnnounce    = "Announce"
	TypeDeadLetter  = "DeadLetter"
	TypeRaiseAlert  = "RaiseAlert"
	TypePostAlert   = "PostAlert"
	// Activities of EraseUpload.
	TypeBury          = "Bury"
	TypeEndProcessing = "EndProcessing"
	TypeRemoveObjects = "RemoveObjects"
	TypeSeal          = "Seal"
	TypeCountParked   = "CountParked"
	// TypeReconcilePage is the activity of Reconcile.
	TypeReconcilePage = "ReconcilePage"
	// TypeCompactLakePage is the activity of CompactLake.
	TypeCompactLakePage = "CompactLakePage"
	// Activities of OutageDigest.
	TypePostOutage      = "PostOutage"
	TypeProbeDependency = "ProbeDependency"
)

// StageOf returns the stage that an activity type runs; ok is false for the side
// activities.
func StageOf(activityType string) (s orak.Stage, ok bool) {
	switch activityType {
	case TypeConvert:
		return orak.StageConvert, true
	case TypeAnalyze:
		return orak.StageAnalyze, true
	case TypeStoreAnalysis, TypePublish:
		return orak.StagePublish, true
	default:
		return "", false
	}
}
