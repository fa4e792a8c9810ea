// Package activities is what the workflows do to the world: convert a
// recording, analyze it, publish the result, announce what happened, write a
// dead letter, raise an alert, erase an upload.
//
// There are two kinds of activity, and they fail differently.
//
// The stages (Convert, Analyze, StoreAnalysis) work on one upload and may fail
// because of it. Each returns a *orak.Fault; Budget decides, in one place for
// all of them, whether the class of the fault is retried, counted or given
// up. The count is kept in the heartbeat details, which outlive the worker:
//
//	attempt starts ─► heartbeat {attempts: n+1}   charged in advance, so that
//	     │                                        a crash has been counted
//	     ├─ fails, counted class ──► retry in 1 s, 2 s, … or give up
//	     ├─ fails, waiting class ──► heartbeat {attempts: n}, retry later
//	     ├─ worker is stopping ────► heartbeat {attempts: n}, retry at once
//	     └─ worker dies ───────────► the server times the heartbeat out, and
//	                                 the next attempt finds {attempts: n+1}
//
// Temporal may itself be away for longer than a heartbeat may be late. It
// then takes the attempts that ran for dead, though their worker lives: that
// worker remembers how they ended, and the next attempt, where it runs there
// too, is not charged for them. One that runs in another process is.
//
// What failed is kept beside the count, and the last failure hands it to the
// workflow, which makes its timeline of it.
//
// The side activities (Announce, Conclude, DeadLetter, RaiseAlert, PostAlert)
// carry the news. They must never give up, so the workflow lets
// the server retry them without end, and Budget leaves them alone. CountParked
// only looks, and is asked again later where it cannot.
//
// Every activity may run more than once, also at the same time on two
// workers: objects are written whole under fixed keys, and events carry ids
// that repeat.
package activities

import "orak"

// The activity types, as the Web UI shows them.
const (
	TypeConvert = "Convert"
	TypeAnalyze = "Analyze"
	// TypeStoreAnalysis is the stage publish, and TypeConclude what every upload
	// ends with.
	TypeStoreAnalysis = "StoreAnalysis"
	TypeConclude      = "Conclude"
	// TypePublish and TypeSaveOutcome are those of runs that began before there
	// was TypeConclude.
	TypePublish     = "Publish"
	TypeSaveOutcome = "SaveOutcome"
	TypeAnnounce    = "Announce"
	TypeDeadLetter  = "DeadLetter"
	TypeRaiseAlert  = "RaiseAlert"
	TypePostAlert   = "PostAlert"
	// Those of EraseUpload.
	TypeBury          = "Bury"
	TypeEndProcessing = "EndProcessing"
	TypeRemoveObjects = "RemoveObjects"
	TypeSeal          = "Seal"
	TypeCountParked   = "CountParked"
	// TypeReconcilePage is Reconcile's.
	TypeReconcilePage = "ReconcilePage"
	// Those of OutageDigest.
	TypePostOutage      = "PostOutage"
	TypeProbeDependency = "ProbeDependency"
)

// StageOf is the stage that an activity type runs; ok is false for the side
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
