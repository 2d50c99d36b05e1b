//! Rules over strings.

use zk_proto::four_letter::Word;
use zk_proto::{ConnectString, EnsembleConfig, path as rules};
use zk_recipes::ServiceInstance;
use zk_recipes::registry::UriSpec;
use zk_server::admin::{AdminCommand, AdminRoute, Resource};

/// What is accepted comes back from its own text.
pub(crate) fn connect_string(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<ConnectString>() {
        Ok(parsed) => {
            assert!(!parsed.hosts.is_empty());
            assert!(parsed.hosts.iter().all(|host| !host.host.is_empty() && host.port != 0));
            if let Some(chroot) = &parsed.chroot {
                assert_eq!(rules::validate(chroot), Ok(()));
            }
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// What is accepted comes back from its own text, in the form in which servers write it.
pub(crate) fn ensemble_config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<EnsembleConfig>() {
        Ok(parsed) => assert_eq!(parsed.to_string().parse(), Ok(parsed)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A valid path is its parent joined with its basename.
pub(crate) fn path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = rules::validate_sequential(text).map_err(|error| error.to_string());
    let (parent, name) = (rules::parent(text), rules::basename(text));
    if rules::validate(text).is_ok() && text != "/" {
        let parent = parent.expect("a valid path other than the root has a parent");
        assert_eq!(rules::validate(parent), Ok(()));
        assert_eq!(rules::join(parent, name), text);
    }
}

pub(crate) fn four_letter(data: &[u8]) {
    if let Some(&first) = data.first_chunk::<4>()
        && let Some(word) = Word::detect(first)
    {
        // Telnet's close is the one word that is no text.
        assert!(word.as_str().as_bytes() == first || !first.is_ascii());
    }
}

/// Whatever is asked for, it has one answer, and repeats only so much of the question.
pub(crate) fn http_route(data: &[u8]) {
    const REPEATED_MAX: usize = 4 * 100;
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.splitn(4, '\n');
    let mut part = || parts.next().unwrap_or_default();
    let (commands, method, path, query) = (part(), part(), part(), part());
    let route = AdminRoute::of_admin(commands, method, path, Some(query));
    if let AdminRoute::Found(resource) = &route {
        // A restore is posted, and HEAD changes nothing: a snapshot writes a file.
        match resource {
            Resource::Restore => assert_eq!(method, "POST"),
            Resource::Snapshot { .. } => assert_eq!(method, "GET"),
            _ => assert!(matches!(method, "GET" | "HEAD")),
        }
        assert_ne!(*resource, Resource::Metrics, "they have a port of their own");
        match resource {
            Resource::UnknownCommand { name } => {
                assert!(name.len() <= REPEATED_MAX && AdminCommand::named(name).is_none());
            }
            Resource::Command { command, trace_mask } => {
                assert!(!matches!(command, AdminCommand::Restore | AdminCommand::Snapshot));
                assert!(trace_mask.as_ref().is_none_or(|mask| mask.len() <= REPEATED_MAX));
            }
            _ => {}
        }
    }
    if let AdminRoute::Found(resource) = AdminRoute::of_metrics(method, path) {
        assert_eq!((resource, path), (Resource::Metrics, "/metrics"));
        assert!(matches!(method, "GET" | "HEAD"));
    }
}

/// Any text is a configuration or an error that says where it went wrong.
pub(crate) fn zoo_cfg(data: &[u8]) {
    /// A key and a value of 60 characters, each of which may be escaped, in a sentence.
    const WARNING_LEN_MAX: usize = 2000;
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A line may be worth several warnings, and there is an end to them.
    match zk_server::config::parse("zoo.cfg", text) {
        Ok(parsed) => {
            assert!(parsed.warnings.len() <= 100);
            let lines = text.split(['\n', '\r']).count();
            for warning in parsed.warnings {
                assert!((1..=lines).contains(&warning.line), "{warning}");
                assert!(warning.message.len() <= WARNING_LEN_MAX, "{warning}");
            }
        }
        Err(error) => assert!(error.to_string().contains("zoo.cfg"), "{error}"),
    }
}

/// A login file is read, or its error names it and shows none of it but a section's name.
pub(crate) fn login_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parse = |text: &str| zk_server::config::login::parse("jaas.conf", text, "Server");
    if let Err(error) = parse(text) {
        assert!(error.to_string().starts_with("jaas.conf:"), "{error}");
    }
    // Whatever comes behind a password, and whatever is wrong with it.
    let secret = "never-to-be-shown";
    let behind = format!("Server {{ a.Module required user_bob=\"{secret}\" {text}");
    if let Err(error) = parse(&behind) {
        assert!(!error.to_string().contains(secret), "{error}");
    }
}

/// What anybody put into a registry's node comes back from its own JSON.
pub(crate) fn service_instance(data: &[u8]) {
    let Ok(instance) = ServiceInstance::from_json("/services/api/id", data) else { return };
    let _ = (instance.uri(), instance.is_enabled());
    if let Some(spec) = &instance.uri_spec {
        let _ = spec.build(&instance);
    }
    let _ = UriSpec::parse(&instance.name).build(&instance);
    let Ok(json) = instance.to_json() else { return };
    let again = ServiceInstance::from_json("/services/api/id", &json);
    assert_eq!(again.expect("what was encoded decodes"), instance);
}
