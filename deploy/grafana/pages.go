package main

// Wherever a panel shows a rate, Grafana chooses its window.
const (
	uploadRoutes = `route=~"/v1/uploads|/v1/uploads/direct.*|/v1/tus.*",method=~"POST|PATCH"`
	waits        = `task_queue:temporal_activity_schedule_to_start_latency_seconds:p95_rate10m`
)

// quantiles are queries of a histogram, by labels.
func quantiles(histogram, matchers, by, legend string) []query {
	inner := "sum by (" + by + "le) (rate(" + histogram + "_bucket" + matchers + "[$__rate_interval]))"
	return []query{
		{"histogram_quantile(0.5, " + inner + ")", "p50 " + legend},
		{"histogram_quantile(0.95, " + inner + ")", "p95 " + legend},
		{"histogram_quantile(0.99, " + inner + ")", "p99 " + legend},
	}
}

var pages = []page{
	{
		uid: "orak-slo", title: "orak: objectives", about: "What orak promises, and the error budget that is left of it over 30 days.",
		rows: []row{{"Error budget", []panel{
			{title: "Budget left", about: "1 is all of it; below 0 the objective is missed.", unit: share, now: true, queries: []query{{"slo:orak_error_budget:remaining30d", "{{slo}}"}}},
			{title: "Objectives", unit: share, now: true, queries: []query{{"slo:orak_objective:ratio", "{{slo}}"}}},
			{title: "Burn rate of the last hour", about: "1 spends the budget in exactly 30 days.", unit: number, now: true, queries: []query{{"slo:orak_error_budget:burn1h", "{{slo}}"}}},
			{title: "Budget left, over time", unit: share, queries: []query{{"slo:orak_error_budget:remaining30d", "{{slo}}"}}},
			{title: "Burn rate, 1 h", about: "14.4 alerts at once.", unit: number, queries: []query{{"slo:orak_error_budget:burn1h", "{{slo}}"}}},
			{title: "Burn rate, 1 d", about: "3 alerts in working hours.", unit: number, queries: []query{{"slo:orak_error_budget:burn1d", "{{slo}}"}}},
		}}, {"Events", []panel{
			{title: "All", unit: perSecond, queries: []query{{"slo:orak_events:rate5m", "{{slo}}"}}},
			{title: "Bad", unit: perSecond, queries: []query{{"slo:orak_bad_events:rate5m", "{{slo}}"}}},
			{title: "Bad, as a share", unit: share, queries: []query{{"slo:orak_bad_events:rate5m / slo:orak_events:rate5m", "{{slo}}"}}},
		}}},
	},
	{
		uid: "orak-uploads", title: "orak: upload path", about: "From the request to the event on Kafka.",
		rows: []row{{"Requests", []panel{
			{title: "Uploads, by outcome", about: "accepted, repeated, or the code of the problem.", unit: perSecond, queries: []query{{"sum by (outcome) (rate(orak_api_uploads_total[$__rate_interval]))", "{{outcome}}"}}},
			{title: "Answers to uploads, by status", unit: perSecond, queries: []query{{"sum by (status) (rate(orak_api_requests_total{" + uploadRoutes + "}[$__rate_interval]))", "{{status}}"}}},
			{title: "Time to the answer of an upload", about: "With the receipt of the body: slow senders count. A point is a trace.", unit: seconds, exemplars: true,
				queries: quantiles("orak_api_request_duration_seconds", `{route="/v1/uploads",method="POST"}`, "", "")},
			{title: "Time to the answer of what reads", unit: seconds, exemplars: true,
				queries: []query{{`histogram_quantile(0.95, sum by (route, le) (rate(orak_api_request_duration_seconds_bucket{method="GET"}[$__rate_interval])))`, "p95 {{route}}"}}},
			{title: "Accepted bytes", unit: "Bps", queries: []query{{"sum(rate(orak_api_upload_bytes_total[$__rate_interval]))", "whole"}, {"sum(rate(orak_tus_bytes_total[$__rate_interval]))", "resumable"}}},
			{title: "Refused", about: "No place, paused, limits, credentials.", unit: perSecond, queries: []query{
				{"sum by (reason) (rate(orak_api_uploads_turned_away_total[$__rate_interval]))", "turned away: {{reason}}"},
				{"sum by (limit) (rate(orak_api_limited_requests_total[$__rate_interval]))", "limited: {{limit}}"},
				{"sum by (reason) (rate(orak_api_denied_requests_total[$__rate_interval]))", "denied: {{reason}}"},
			}},
		}}, {"In flight", []panel{
			{title: "Uploads being received", unit: number, queries: []query{{"orak_api_uploads_in_flight", "{{instance}}"}, {"orak_tus_requests", "resumable, {{instance}}"}}},
			{title: "Bodies and parts on their way to the store", unit: number, queries: []query{{"orak_store_sending", "{{instance}}"}}},
			{title: "Memory of bodies", unit: bytes, queries: []query{{"orak_store_buffer_bytes", "{{instance}}"}, {"orak_tus_memory_bytes", "resumable, {{instance}}"}}},
			{title: "Connections", unit: number, queries: []query{{"orak_connections", "{{listener}}, {{instance}}"}}},
			{title: "Direct uploads, by what became of them", unit: perSecond, queries: []query{{"sum by (outcome) (rate(orak_direct_uploads_total[$__rate_interval]))", "{{outcome}}"}}},
			{title: "Resumable uploads, by event", unit: perSecond, queries: []query{{"sum by (event) (rate(orak_tus_uploads_total[$__rate_interval]))", "{{event}}"}}},
		}}, {"Outbox", []panel{
			{title: "Markers", about: "Accepted uploads that are not on Kafka yet, and those being received.", unit: number, queries: []query{{"max(orak_outbox_pending)", "pending"}}},
			{title: "Age of the oldest marker", unit: seconds, queries: []query{{"max(orak_outbox_oldest_age_seconds)", "oldest"}}},
			{title: "Answered before Kafka, relayed, failed", unit: perSecond, queries: []query{
				{"sum(rate(orak_outbox_late_total[$__rate_interval]))", "late"}, {"sum by (outcome) (rate(orak_outbox_relayed_total[$__rate_interval]))", "relayed: {{outcome}}"},
				{"sum(rate(orak_outbox_failures_total[$__rate_interval]))", "failed"},
			}},
		}}},
	},
	{
		uid: "orak-pipeline", title: "orak: pipeline", about: "From the started workflow to the result, and what failed.",
		rows: []row{{"Stages", []panel{
			{title: "Attempts, by outcome", unit: perSecond, queries: []query{{"sum by (stage, outcome) (rate(orak_stage_attempts_total[$__rate_interval])) > 0", "{{stage}}: {{outcome}}"}}},
			{title: "Duration of attempts", about: "A point is a trace.", unit: seconds, exemplars: true, queries: quantiles("orak_stage_duration_seconds", "", "stage, ", "{{stage}}")},
			{title: "Failing attempts", about: "Without those whose file is at fault.", unit: share, queries: []query{{"stage:orak_stage_attempts_failed:ratio_rate15m", "{{stage}}"}}},
			{title: "Running attempts", unit: number, queries: []query{{"sum by (stage) (orak_stage_running_attempts)", "{{stage}}"}}},
			{title: "Wait for a worker, p95", unit: seconds, queries: []query{{waits, "{{task_queue}}"}}},
			{title: "Slots in use", unit: share, queries: []query{{"sum by (queue) (orak_activity_used_slots) / sum by (queue) (orak_activity_slots)", "{{queue}}"}}},
		}}, {"What failed", []panel{
			{title: "Dead letters", unit: number, queries: []query{{"sum by (stage, class) (increase(orak_dead_letters_total[$__rate_interval])) > 0", "{{stage}}: {{class}}"}}},
			{title: "Attempts that met an outage", unit: perSecond, queries: []query{{"sum by (dependency) (rate(orak_outage_reports_total[$__rate_interval]))", "{{dependency}}"}}},
			{title: "Failing workflow tasks", unit: perSecond, queries: []query{{"sum by (workflow_type, failure_reason) (rate(temporal_workflow_task_execution_failed_total[$__rate_interval]))", "{{workflow_type}}: {{failure_reason}}"}}},
			{title: "Messages to the operators' chat", unit: perSecond, queries: []query{{"sum(rate(orak_alert_posts_total[$__rate_interval]))", "posted"}, {"sum(rate(orak_alert_post_failures_total[$__rate_interval]))", "refused"}}},
			{title: "Reconcile: pages", about: "At least one of each step every 30 minutes.", unit: number, queries: []query{{"sum by (step) (increase(orak_reconcile_pages_total[1h]))", "{{step}}"}}},
			{title: "Reconcile: repairs", unit: number, queries: []query{{`sum by (step, outcome) (increase(orak_reconciled_items_total{outcome!="examined"}[1h])) > 0`, "{{step}}: {{outcome}}"}}},
		}}, {"Temporal, as orak's processes see it", []panel{
			{title: "Requests, by status", unit: perSecond, queries: []query{{"sum(rate(temporal_request_total[$__rate_interval]))", "all"}, {"sum by (status_code) (rate(temporal_request_failure_total[$__rate_interval]))", "{{status_code}}"}}},
			{title: "Duration of requests, p95", unit: seconds, queries: []query{{"histogram_quantile(0.95, sum by (operation, le) (rate(temporal_request_latency_seconds_bucket[$__rate_interval])))", "{{operation}}"}}},
			{title: "Wait of workflow tasks, p95", unit: seconds, queries: []query{{"histogram_quantile(0.95, sum by (task_queue, le) (rate(temporal_workflow_task_schedule_to_start_latency_seconds_bucket[$__rate_interval])))", "{{task_queue}}"}}},
		}}},
	},
	{
		uid: "orak-gpu", title: "orak: GPU queue", about: "The queue in front of the analysis, and what bounds it.",
		rows: []row{{"The queue", []panel{
			{title: "Wait for a GPU, p95", unit: seconds, queries: []query{{waits + `{task_queue="orak-gpu"}`, "orak-gpu"}}},
			{title: "Analyses", unit: perSecond, queries: []query{{`sum by (outcome) (rate(orak_stage_attempts_total{stage="analyze"}[$__rate_interval])) > 0`, "{{outcome}}"}, {"sum(rate(orak_analyses_reused_total[$__rate_interval]))", "reused"}}},
			{title: "Duration of an analysis", unit: seconds, exemplars: true, queries: quantiles("orak_stage_duration_seconds", `{stage="analyze"}`, "", "")},
		}}, {"What bounds it", []panel{
			{title: "Slots", unit: number, queries: []query{{"sum(orak_gpu_used_slots)", "running"}, {"sum(orak_gpu_slots)", "slots"}, {"sum(orak_gpu_tasks)", "taken or polled for"}}},
			{title: "Memory budget", unit: bytes, queries: []query{{"sum(orak_gpu_used_memory_bytes)", "used"}, {"sum(orak_gpu_memory_bytes)", "budget"}}},
			{title: "Model server ready", about: "1 where the worker may send analyses.", unit: number, queries: []query{{"orak_gpu_model_server_ready", "{{instance}}"}}},
		}}},
	},
	{
		uid: "orak-kafka", title: "orak: Kafka", about: "Consumer groups, the bridge, and connections to brokers.",
		rows: []row{{"Consumer groups", []panel{
			{title: "Age of the oldest record that waits", unit: seconds, queries: []query{{"group:orak_lag_seconds:max", "{{group}}"}}},
			{title: "Lag", unit: number, queries: []query{{"group:orak_lag_offsets:sum", "{{group}}"}}},
			{title: "Status", about: "0 OK, 1 UNKNOWN, 2 WARN, 3 STALL, 4 STOP, 5 REWIND, 6 ERROR.", unit: number, queries: []query{{"max by (group) (orak_lag_group_status)", "{{group}}"}}},
		}}, {"The bridge", []panel{
			{title: "Records, by what became of them", unit: perSecond, queries: []query{{"sum by (outcome) (rate(orak_bridge_records_total[$__rate_interval]))", "{{outcome}}"}}},
			{title: "Age of a record when its workflow was started", unit: seconds, queries: quantiles("orak_bridge_delay_seconds", "", "", "")},
			{title: "Time to start a workflow", unit: seconds, queries: quantiles("orak_bridge_start_seconds", "", "", "")},
			{title: "In flight, and the limit", unit: number, queries: []query{{"sum(orak_bridge_inflight_records)", "in flight"}, {"sum by (dependency) (orak_bridge_limit_records)", "limit: {{dependency}}"}, {"sum by (dependency) (orak_bridge_aside_records)", "aside: {{dependency}}"}}},
			{title: "Buffered, retrying", unit: number, queries: []query{{"sum(orak_bridge_buffered_records)", "buffered"}, {"sum(orak_bridge_retrying_records)", "retrying"}}},
			{title: "Partitions", unit: number, queries: []query{{"sum(orak_bridge_assigned_partitions)", "assigned"}, {"sum(orak_bridge_paused_partitions)", "paused"}, {"sum(orak_bridge_stalled_partitions)", "stalled"}}},
		}}, {"Brokers", []panel{
			{title: "Bytes read and written", unit: "Bps", queries: []query{{"sum by (client_id) (rate(orak_kafka_read_bytes_total[$__rate_interval]))", "read: {{client_id}}"}, {"sum by (client_id) (rate(orak_kafka_write_bytes_total[$__rate_interval]))", "written: {{client_id}}"}}},
			{title: "Connections that failed", unit: perSecond, queries: []query{{"sum by (client_id, node_id) (rate(orak_kafka_connect_errors_total[$__rate_interval])) > 0", "{{client_id}} to {{node_id}}"}}},
			{title: "Commits that failed", unit: perSecond, queries: []query{{`sum(rate(orak_bridge_commits_total{result="failed"}[$__rate_interval]))`, "bridge"}, {`sum(rate(orak_index_commits_total{result="failed"}[$__rate_interval]))`, "index"},
				{`sum(rate(orak_lake_commits_total{result="failed"}[$__rate_interval]))`, "lake"}, {`sum(rate(orak_webhooks_commits_total{result="failed"}[$__rate_interval]))`, "webhooks"}}},
		}}},
	},
	{
		uid: "orak-sinks", title: "orak: sinks", about: "What reads the events: the index and the lake. Uploads do not wait for them.",
		rows: []row{{"Both", []panel{
			{title: "Age of the oldest record that waits", unit: seconds, queries: []query{{`group:orak_lag_seconds:max{group=~"orak-index|orak-lake|orak-webhooks"}`, "{{group}}"}}},
			{title: "Records that could not be read, in an hour", unit: number, queries: []query{{"sink:orak_buried_records:increase1h", "{{sink}}"}}},
			{title: "Stalled partitions", unit: number, queries: []query{{"sum(orak_index_stalled_partitions)", "index"}, {"sum(orak_lake_stalled_partitions)", "lake"}, {"sum(orak_webhooks_stalled_partitions)", "webhooks"}}},
		}}, {"The index", []panel{
			{title: "Events, by what became of them", unit: perSecond, queries: []query{{"sum by (result) (rate(orak_index_events_total[$__rate_interval]))", "{{result}}"}}},
			{title: "Duration of a batch's transaction", unit: seconds, queries: quantiles("orak_index_write_seconds", "", "", "")},
			{title: "Vectors in memory", unit: bytes, queries: []query{{"sum by (instance) (orak_index_vector_cache_bytes)", "{{instance}}"}}},
		}}, {"The lake", []panel{
			{title: "Rows", unit: perSecond, queries: []query{{"sum by (table) (rate(orak_lake_rows_total[$__rate_interval]))", "{{table}}"}}},
			{title: "Files", unit: perSecond, queries: []query{{"sum by (table) (rate(orak_lake_files_total[$__rate_interval]))", "{{table}}"}, {"sum(rate(orak_lake_taken_names_total[$__rate_interval]))", "there already"}}},
			{title: "Bytes", unit: "Bps", queries: []query{{"sum by (table) (rate(orak_lake_written_bytes_total[$__rate_interval]))", "{{table}}"}}},
		}}},
	},
	{
		uid: "orak-webhooks", title: "orak: webhooks", about: "Deliveries to tenants' receivers.",
		rows: []row{{"Deliveries", []panel{
			{title: "Attempts, by result", unit: perSecond, queries: []query{{"sum by (result) (rate(orak_webhooks_attempts_total[$__rate_interval]))", "{{result}}"}}},
			{title: "Failing attempts", unit: share, queries: []query{{"orak_webhooks_attempts_failed:ratio_rate30m", "of all"}}},
			{title: "Duration of a request to a receiver", unit: seconds, queries: quantiles("orak_webhooks_attempt_seconds", "", "", "")},
			{title: "Deliveries started and ended", unit: perSecond, queries: []query{{"sum by (result) (rate(orak_webhooks_deliveries_started_total[$__rate_interval]))", "started: {{result}}"}, {"sum by (result) (rate(orak_webhooks_deliveries_ended_total[$__rate_interval]))", "ended: {{result}}"}}},
			{title: "Wait for a process, p95", unit: seconds, queries: []query{{waits + `{task_queue="orak-webhooks"}`, "orak-webhooks"}}},
			{title: "Requests underway", unit: number, queries: []query{{"orak_webhooks_underway", "{{instance}}"}}},
		}}, {"Webhooks", []panel{
			{title: "Events, by what became of them", unit: perSecond, queries: []query{{"sum by (result) (rate(orak_webhooks_events_total[$__rate_interval]))", "{{result}}"}}},
			{title: "Paused, in an hour", unit: number, queries: []query{{"sum by (cause) (increase(orak_webhooks_paused_total[1h]))", "{{cause}}"}}},
			{title: "Age of the oldest event that waits", unit: seconds, queries: []query{{`group:orak_lag_seconds:max{group="orak-webhooks"}`, "{{group}}"}}},
		}}},
	},
}
