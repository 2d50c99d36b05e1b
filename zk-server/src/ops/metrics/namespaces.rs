//! Figures of each namespace: a node below the root, with all below it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Metric, Value};
use crate::by_namespace::{NAMESPACES_MAX, namespace_of};
use crate::ops::ServerView;
use crate::tree::Quota;

/// Quotas that are looked at for one answer. Any client may set them, and others wait meanwhile.
const QUOTAS_MAX: usize = 1000;

/// What was written and read, and what quotas allow and hold, namespace by namespace.
pub(super) fn namespaces<'a>(view: &ServerView<'a>) -> Vec<Metric<'a>> {
    let mut metrics = Vec::new();
    let traffic =
        [("write_per_namespace", &view.stats.writes), ("read_per_namespace", &view.stats.reads)];
    for (name, traffic) in traffic {
        let one = |(namespace, all)| labelled(name, namespace, Value::Summary(Some(all)));
        metrics.extend(traffic.iter().map(one));
    }
    let one = |(namespace, count): (&'a str, &u64)| {
        labelled("quota_exceeded_error_per_namespace", namespace, Value::Counter(*count))
    };
    metrics.extend(view.quota_refusals.iter().map(one));
    metrics.extend(quotas(view));
    metrics
}

fn labelled<'a>(
    name: &'static str,
    namespace: impl Into<Cow<'a, str>>,
    value: Value<'a>,
) -> Metric<'a> {
    Metric { name, namespace: Some(namespace.into()), value }
}

/// Limits and usage, added up over the quotas of a namespace. A hard limit stands before a soft one.
fn quotas<'a>(view: &ServerView<'a>) -> Vec<Metric<'a>> {
    const NAMES: [&str; 4] = [
        "quota_count_limit_per_namespace",
        "quota_bytes_limit_per_namespace",
        "quota_count_usage_per_namespace",
        "quota_bytes_usage_per_namespace",
    ];
    let limit = |hard: i64, soft: i64| if hard > -1 { hard } else { soft };
    let mut sums: BTreeMap<String, [i64; 4]> = BTreeMap::new();
    for quota in view.tree.quotas().take(QUOTAS_MAX) {
        let Quota { path, limits, usage, .. } = quota;
        let Some(namespace) = namespace_of(&path) else { continue };
        if !sums.contains_key(namespace) && sums.len() >= NAMESPACES_MAX {
            break;
        }
        let sum = sums.entry(namespace.to_owned()).or_default();
        let more = [
            limit(limits.count_hard_limit(), limits.count()),
            limit(limits.byte_hard_limit(), limits.bytes()),
            usage.count(),
            usage.bytes(),
        ];
        for (sum, more) in sum.iter_mut().zip(more) {
            *sum = sum.saturating_add(more);
        }
    }
    let each = |(at, name): (usize, &'static str)| {
        let of = |(namespace, sum): (&String, &[i64; 4])| {
            labelled(name, namespace.clone(), Value::Gauge(sum[at]))
        };
        sums.iter().map(of).collect::<Vec<_>>()
    };
    NAMES.into_iter().enumerate().flat_map(each).collect()
}
