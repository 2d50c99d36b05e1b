//! Curator's URI templates: `{scheme}://{address}:{port}/api`.

use serde::{Deserialize, Serialize};

use super::ServiceInstance;

/// A template from which the URI of an instance is built, as Curator's `UriSpec`.
///
/// Variables are `scheme` (`https` when the instance has an SSL port, else `http`), `name`, `id`,
/// `address`, `port`, `ssl-port`, `registration-time-utc` and `service-type`; `{[}` and `{]}` stand
/// for the braces themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UriSpec {
    /// The pieces, in order.
    #[serde(default)]
    pub parts: Vec<UriPart>,
}

/// One piece of a [`UriSpec`]: literal text, or the name of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UriPart {
    /// The text, or the variable's name without braces.
    pub value: String,
    /// Whether `value` names a variable.
    #[serde(default)]
    pub variable: bool,
}

impl UriSpec {
    /// Reads a template. A brace that is never closed is literal text.
    #[must_use]
    pub fn parse(template: &str) -> Self {
        let mut spec = Self::default();
        let mut rest = template;
        while let Some((literal, variable, after)) = next_variable(rest) {
            spec.push(literal, false);
            spec.push(variable, true);
            rest = after;
        }
        spec.push(rest, false);
        spec
    }

    /// The URI of `instance`. A variable that the instance has no value for becomes empty, and so
    /// does one this library doesn't know.
    #[must_use]
    pub fn build(&self, instance: &ServiceInstance) -> String {
        self.parts
            .iter()
            .map(
                |UriPart { value, variable }| {
                    if *variable { value_of(value, instance) } else { value.clone() }
                },
            )
            .collect()
    }

    fn push(&mut self, value: &str, variable: bool) {
        if variable || !value.is_empty() {
            self.parts.push(UriPart { value: value.trim().to_owned(), variable });
        }
    }
}

/// What is before the next variable, its name, and what is after it.
fn next_variable(template: &str) -> Option<(&str, &str, &str)> {
    let (literal, rest) = template.split_once('{')?;
    let (variable, after) = rest.split_once('}')?;
    Some((literal, variable, after))
}

fn value_of(variable: &str, instance: &ServiceInstance) -> String {
    let number = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
    match variable {
        "scheme" if instance.ssl_port.is_some() => "https".to_owned(),
        "scheme" => "http".to_owned(),
        "name" => instance.name.clone(),
        "id" => instance.id.clone(),
        "address" => instance.address.clone().unwrap_or_default(),
        "port" => number(instance.port),
        "ssl-port" => number(instance.ssl_port),
        "registration-time-utc" => instance.registration_time_ms.to_string(),
        "service-type" => instance.service_type.to_string().to_lowercase(),
        "[" => "{".to_owned(),
        "]" => "}".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(value: &str, variable: bool) -> UriPart {
        UriPart { value: value.to_owned(), variable }
    }

    #[test]
    fn a_template_is_literals_and_variables() {
        let spec = UriSpec::parse("{scheme}://{address}:{port}/v1");
        assert_eq!(
            spec.parts,
            [
                part("scheme", true),
                part("://", false),
                part("address", true),
                part(":", false),
                part("port", true),
                part("/v1", false),
            ]
        );
    }

    #[test]
    fn an_unclosed_brace_is_text() {
        assert_eq!(UriSpec::parse("a{b").parts, [part("a{b", false)]);
        assert_eq!(UriSpec::parse("").parts, []);
    }

    #[test]
    fn a_uri_is_built_from_the_instance() {
        let mut instance = ServiceInstance::new("api", "10.0.0.1", 8080).with_id("7");
        let spec = UriSpec::parse("{scheme}://{address}:{port}/{name}/{id}{[}{unknown}{]}");
        assert_eq!(spec.build(&instance), "http://10.0.0.1:8080/api/7{}");
        instance.ssl_port = Some(8443);
        assert_eq!(UriSpec::parse("{scheme}:{ssl-port}").build(&instance), "https:8443");
    }
}
