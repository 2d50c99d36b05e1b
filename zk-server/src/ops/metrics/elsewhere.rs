//! Figures of Apache's about what does not happen in this server: they are 0.
//!
//! A server alone holds no election and has nobody to send to; and here no request waits in a queue
//! to be looked at, and no answer comes from a cache. They are there because dashboards ask for
//! them: a panel without data looks like a server that is not well. Apache's server shows 0 for all
//! that has to do with an ensemble, too, as long as it is in none.

/// What never happens.
pub(super) const COUNTERS: [&str; 28] = [
    // Elections, followers, and the stage where a member of an ensemble waits for the others.
    "looking_count",
    "diff_count",
    "snap_count",
    "revalidate_count",
    "learner_proposal_received_count",
    "learner_commit_received_count",
    "quit_leading_due_to_disloyal_voter",
    "skip_learner_request_to_next_processor_count",
    "request_commit_queued",
    "requests_not_forwarded_to_commit_processor",
    "ensemble_auth_success",
    "ensemble_auth_fail",
    "ensemble_auth_skip",
    // Connections before there is a server, and an HTTP port that speaks TLS and plain.
    "cnxn_closed_without_zk_server_running",
    "insecure_admin_count",
    // A thread that must not fail, and has: here the server stops.
    "unrecoverable_error_count",
    // Watches that outlive their connections.
    "add_dead_watcher_stall_time",
    "dead_watchers_queued",
    "dead_watchers_cleared",
    // A cache of answers.
    "response_packet_cache_hits",
    "response_packet_cache_misses",
    "response_packet_get_children_cache_hits",
    "response_packet_get_children_cache_misses",
    // Queues before requests are looked at.
    "prep_processor_request_queued",
    "request_throttle_wait_count",
    "throttled_ops",
    "stale_requests",
    "stale_requests_dropped",
];

/// What is never measured, and has one quantile in Apache's.
pub(super) const SUMMARIES: [&str; 25] = [
    "follower_sync_time",
    "observer_sync_time",
    "election_time",
    "inflight_snap_count",
    "inflight_diff_count",
    "unavailable_time",
    "leader_unavailable_time",
    "learner_request_processor_queue_size",
    "proposal_process_time",
    "commit_process_time",
    "requests_in_session_queue",
    "pending_session_queue_size",
    "reads_after_write_in_session_queue",
    "reads_issued_from_session_queue",
    "session_queues_drained",
    "time_waiting_empty_pool_in_commit_processor_read_ms",
    "write_batch_time_in_commit_processor",
    "concurrent_request_processing_in_commit_processor",
    "read_commit_proc_req_queued",
    "write_commit_proc_req_queued",
    "commit_commit_proc_req_queued",
    "read_commit_proc_issued",
    "write_commit_proc_issued",
    "prep_processor_queue_size",
    "prep_process_time",
];

/// What is never measured, and has several quantiles in Apache's.
pub(super) const DISTRIBUTIONS: [&str; 17] = [
    "proposal_latency",
    "proposal_ack_creation_latency",
    "commit_propagation_latency",
    "quorum_ack_latency",
    "om_proposal_process_time_ms",
    "om_commit_process_time_ms",
    "read_commitproc_time_ms",
    "write_commitproc_time_ms",
    "local_write_committed_time_ms",
    "server_write_committed_time_ms",
    "read_final_proc_time_ms",
    "write_final_proc_time_ms",
    "prep_processor_queue_time_ms",
    "close_session_prep_time",
    "request_throttle_queue_time_ms",
    "dead_watchers_cleaner_latency",
    "jvm_pause_time_ms",
];
