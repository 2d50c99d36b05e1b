//! Figures in the text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

use super::{Metric, Value, all};
use crate::ops::ServerView;
use crate::server::summary::Distribution;

/// Quantiles in thousandths, and their labels. `mntr` has others.
const QUANTILES: [(u64, &str); 3] = [(500, "0.5"), (900, "0.9"), (990, "0.99")];

/// Everything there is.
pub(crate) fn prometheus(view: &ServerView<'_>) -> String {
    let (mut text, mut last) = (String::new(), "");
    for metric in all(view) {
        // Those of all namespaces come one after the other.
        if metric.name != last {
            last = metric.name;
            let kind = metric.value.kind();
            let _ = writeln!(text, "# HELP {last} {last}\n# TYPE {last} {kind}");
        }
        metric.expose(&mut text);
    }
    text
}

impl Value<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Value::Gauge(_) | Value::Average(_) => "gauge",
            Value::Counter(_) => "counter",
            Value::Summary(_) | Value::Distribution(_) => "summary",
        }
    }
}

impl Metric<'_> {
    fn expose(&self, text: &mut String) {
        match self.value {
            Value::Gauge(value) => self.sample(text, "", None, value),
            Value::Average(value) => self.sample(text, "", None, value),
            Value::Counter(value) => self.sample(text, "", None, value),
            Value::Summary(values) => self.spread(text, &QUANTILES[..1], values),
            Value::Distribution(values) => self.spread(text, &QUANTILES, values),
        }
    }

    fn spread(&self, text: &mut String, quantiles: &[(u64, &str)], values: Option<&Distribution>) {
        for (per_mille, label) in quantiles {
            let value = values.and_then(|values| values.quantile(*per_mille));
            let value = value.map_or("NaN".to_owned(), |value| value.to_string());
            self.sample(text, "", Some(label), value);
        }
        let summary = values.map(|values| values.all).unwrap_or_default();
        self.sample(text, "_count", None, summary.count());
        self.sample(text, "_sum", None, summary.sum());
    }

    fn sample(
        &self,
        text: &mut String,
        suffix: &str,
        quantile: Option<&str>,
        value: impl std::fmt::Display,
    ) {
        let name = self.name;
        let mut labels = String::new();
        if let Some(namespace) = &self.namespace {
            let namespace = escaped(namespace);
            let _ = write!(labels, "key=\"{namespace}\",");
        }
        if let Some(quantile) = quantile {
            let _ = write!(labels, "quantile=\"{quantile}\",");
        }
        let _ = match labels.as_str() {
            "" => writeln!(text, "{name}{suffix} {value}"),
            labels => writeln!(text, "{name}{suffix}{{{labels}}} {value}"),
        };
    }
}

/// What stands between quotes must not end them, nor its line.
fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_cannot_leave_its_label() {
        let namespace = Some("a\"} 1\nb\\".into());
        let metric = Metric { name: "m", namespace, value: Value::Counter(2) };
        let mut text = String::new();
        metric.expose(&mut text);
        assert_eq!(text, "m{key=\"a\\\"} 1\\nb\\\\\",} 2\n");
    }
}
