//! The JSON of instances, against what Curator writes and reads.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// As Curator 5 writes it: the nine members of the compatible mode, in this order.
const FROM_CURATOR: &str = concat!(
    r#"{"name":"api","id":"2f6cd25a-1c62-4f0c-8d4f-0a1f9b4f6f10","address":"10.0.0.1","#,
    r#""port":8080,"sslPort":null,"payload":{"@class":"com.example.Details","weight":3},"#,
    r#""registrationTimeUTC":1700000000000,"serviceType":"DYNAMIC","#,
    r#""uriSpec":{"parts":[{"value":"scheme","variable":true},"#,
    r#"{"value":"://","variable":false},{"value":"address","variable":true}]}}"#,
);

#[test]
fn reads_what_curator_writes_and_writes_it_back_byte_for_byte() {
    let instance = ServiceInstance::from_json("/s/api/1", FROM_CURATOR.as_bytes()).unwrap();
    assert_eq!(instance.name, "api");
    assert_eq!(instance.port, Some(8080));
    assert_eq!(instance.ssl_port, None);
    assert_eq!(instance.payload["weight"], 3);
    assert_eq!(instance.service_type, ServiceType::Dynamic);
    assert!(instance.is_enabled());
    assert_eq!(instance.uri().as_deref(), Some("http://10.0.0.1"));
    assert_eq!(instance.to_json().unwrap(), FROM_CURATOR.as_bytes());
}

#[test]
fn writes_the_nine_members_old_readers_know_unless_asked() {
    let instance = ServiceInstance::new("api", "10.0.0.1", 8080);
    let written: Value = serde_json::from_slice(&instance.to_json().unwrap()).unwrap();
    let mut members: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(
        members,
        [
            "address",
            "id",
            "name",
            "payload",
            "port",
            "registrationTimeUTC",
            "serviceType",
            "sslPort",
            "uriSpec"
        ]
    );
    let disabled: Value =
        serde_json::from_slice(&instance.with_enabled(false).to_json().unwrap()).unwrap();
    assert_eq!(disabled["enabled"], false);
}

#[test]
fn keeps_members_it_does_not_know() {
    let data = br#"{"name":"api","id":"1","zone":"eu-1","weights":[1,2]}"#;
    let instance = ServiceInstance::from_json("/s/api/1", data).unwrap();
    let written: Value = serde_json::from_slice(&instance.to_json().unwrap()).unwrap();
    assert_eq!(written["zone"], "eu-1");
    assert_eq!(written["weights"], json!([1, 2]));
}

#[test]
fn missing_and_null_members_have_defaults() {
    let data = br#"{"name":"api","id":"1","serviceType":null,"payload":null}"#;
    let instance = ServiceInstance::from_json("/s/api/1", data).unwrap();
    assert_eq!(instance.service_type, ServiceType::Dynamic);
    assert_eq!(instance.address, None);
    assert_eq!(instance.payload, Value::Null);
}

#[test]
fn all_service_types_have_curators_names() {
    for (service_type, name) in [
        (ServiceType::Dynamic, "DYNAMIC"),
        (ServiceType::Static, "STATIC"),
        (ServiceType::Permanent, "PERMANENT"),
        (ServiceType::DynamicSequential, "DYNAMIC_SEQUENTIAL"),
    ] {
        assert_eq!(serde_json::to_value(service_type).unwrap(), name);
        assert_eq!(service_type.to_string(), name);
    }
}

#[test]
fn what_is_no_instance_is_an_error_that_names_the_node() {
    for data in [&b""[..], b"{}", b"10.0.0.1:8080", br#"{"name":"api","id":"1","port":70000}"#] {
        let error = ServiceInstance::from_json("/s/api/1", data).unwrap_err();
        assert!(error.to_string().contains("/s/api/1"), "{error}");
    }
}

#[test]
fn names_that_cannot_be_znodes_are_refused() {
    let instance = |name: &str, id: &str| ServiceInstance::new(name, "h", 1).with_id(id);
    assert!(instance("api", "1").check_names().is_ok());
    for (name, id) in [("", "1"), ("a/b", "1"), ("api", ""), ("api", ".."), ("api", "x/y")] {
        assert!(instance(name, id).check_names().is_err(), "{name:?} {id:?}");
    }
}

proptest! {
    #[test]
    fn an_instance_survives_the_way_through_json(
        name in "\\PC{1,20}", address in prop::option::of("\\PC{0,20}"),
        port: Option<u16>, ssl_port: Option<u16>, time: i64, weight: i32, enabled: Option<bool>,
    ) {
        let mut instance = ServiceInstance::new(name, "", 0).with_payload(json!({"w": weight}));
        instance.address = address;
        instance.port = port;
        instance.ssl_port = ssl_port;
        instance.registration_time_ms = time;
        instance.enabled = enabled;
        let data = instance.to_json().unwrap();
        prop_assert_eq!(ServiceInstance::from_json("/s", &data).unwrap(), instance);
    }
}

#[test]
fn a_host_and_port_can_be_connected_to() {
    let at = |address: &str| ServiceInstance::new("api", address, 80).host_port().unwrap();
    assert_eq!(at("10.0.0.1"), "10.0.0.1:80");
    assert_eq!(at("api.example"), "api.example:80");
    assert_eq!(at("fe80::1"), "[fe80::1]:80");
    let without = ServiceInstance { port: None, ..ServiceInstance::new("api", "10.0.0.1", 80) };
    assert_eq!(without.host_port(), None);
}
